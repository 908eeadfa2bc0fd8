"""Goes back to an earlier deployment: `python -m infra.rollback ENVIRONMENT [DEPLOYMENT]`; with `--list`, shows them.

Only the aliases move, the API's first, then the workers': they must understand whatever the API writes. Code and
settings of the functions are then those of that deployment. Tables, alarms, reserved concurrency and secrets stay.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from app.wiring.variable_locations import OF_THE_STACK
from infra import provisioned, versions
from infra.commands import in_one_line, session_of
from infra.stages import ENTRY_POINTS, NOTIFIERS, Stage
from infra.versions import Version, VersionError

ORDER = tuple(reversed(ENTRY_POINTS))
STOP: Final = (
    "A share of the calls of {function} went elsewhere, and does no more. If CodeDeploy is at it, stop it:"
    " aws deploy list-deployments --application-name {function} --deployment-group-name {function}"
    " --include-only-statuses InProgress, then aws deploy stop-deployment --auto-rollback-enabled --deployment-id d-…\n"
)


def roll_back(client: Any, environment: str, target: str = "") -> None:
    """Move every alias of the environment to deployment `target`; "": the one that was live before.

    A rollback that failed halfway is finished by the next one, and one after a deployment that failed halfway takes
    back what it deployed. A function that is younger than that deployment stays as it is. Raises VersionError, and
    moves nothing, if another function has no version of that deployment.
    """
    functions = _functions(client, environment)
    now = {function: _live_number(client, function) for function in functions}
    target = target or _before(client, environment, functions)
    younger = _younger(client, functions, target)
    for function in younger:
        sys.stdout.write(
            f"{function}: stays at version {now[function]}, because deployment {target} has no such function\n"
        )
    chosen = {function: _version(client, function, target) for function in functions if function not in younger}
    for function, version in chosen.items():
        number, is_shifting = now[function], versions.is_shifting(client, function)
        if number == version.number and not is_shifting:
            sys.stdout.write(f"{function}: version {number} of deployment {target} is live already\n")
            if provisioned.of(client, function, number):  # and so has one, perhaps, to which CodeDeploy did not get
                provisioned.take_away(client, function, number)
            continue
        provisioned.move(client, function, version.number, provisioned.of(client, function, number))
        sys.stdout.write(f"{function}: version {number} → {version.number} of deployment {target}\n")
        if is_shifting:
            sys.stdout.write(STOP.format(function=function))


def lines(client: Any, environment: str) -> Iterator[str]:
    """What can be gone back to: a line for each deployment, the newest first. Which one is live is said."""
    functions = _functions(client, environment)
    now = {function: versions.live(client, function) for function in functions if _live_number(client, function)}
    api = now[functions[0]]
    younger = _younger(client, functions, api.deployment) if api else set()
    live = {one.deployment if one else "" for function, one in now.items() if function not in younger}
    known = [{one.deployment: one for one in versions.published(client, function)} for function in functions]
    for deployment in reversed({one: None for of_one in reversed(known) for one in of_one}):
        found = [of_one.get(deployment) for of_one in known]
        made_at = max(one.published_at for one in found if one)
        numbers = ", ".join(one.number if one else "none" for one in found)
        is_live = "" if deployment not in live else "  live" if len(live) == 1 else "  live in part"
        yield f"{deployment}  {made_at[:16]}  versions {numbers}{is_live}\n"


def _functions(client: Any, environment: str) -> list[str]:
    """The functions of the environment, the API's first. An earlier version deployed none that tells applications."""
    return [
        Stage(environment, door).function
        for door in ORDER
        if door not in NOTIFIERS or versions.live_number(client, Stage(environment, door).function)
    ]


def _younger(client: Any, functions: Sequence[str], deployment: str) -> set[str]:
    """The functions that were first deployed after this deployment, which therefore has none of them.

    They stay: nothing of that deployment calls them, and they read whatever it writes. A function of which earlier
    versions were deleted is not meant.
    """
    api = _find(client, functions[0], deployment)
    if api is None:
        return set()
    firsts = {function: versions.published(client, function)[:1] for function in functions[1:]}
    return {
        function
        for function, first in firsts.items()
        if first and first[0].number == "1" and first[0].published_at > api.published_at
    }


def _live_number(client: Any, function: str) -> str:
    number = versions.live_number(client, function)
    if not number:
        raise VersionError(f"nothing of {function} is live: deploy first")
    return number


def _before(client: Any, environment: str, functions: Iterable[str]) -> str:
    """The deployment to go back to. The API is deployed last and rolled back first: what it is at was live as a whole.

    So that is where the others go if they are elsewhere. If all are the same, it is where the API was before.
    """
    now: dict[str, Version] = {}
    for function in functions:
        found = versions.live(client, function)
        if found is None:
            raise VersionError(f"what is live of {function} is of no deployment: deploy, or say which to go back to")
        now[function] = found
    api = now[Stage(environment, "api").function]
    younger = _younger(client, list(now), api.deployment)
    others = [one for name, one in now.items() if one.deployment != api.deployment and name not in younger]
    if not others and not api.after:
        raise VersionError(f"there is no deployment before {api.deployment}")
    if any(one.after != api.deployment for one in others):
        mixed = ", ".join(f"{function} {one.deployment}" for function, one in now.items())
        raise VersionError(f"say which deployment to go back to, because several are live: {mixed}")
    return api.deployment if others else api.after


def _version(client: Any, function: str, deployment: str) -> Version:
    found = _find(client, function, deployment)
    if found is None:
        raise VersionError(
            f"{function} has no version of deployment {deployment} (any more): check out its commit, and `make deploy`"
        )
    then, now = (
        client.get_function_configuration(FunctionName=function, Qualifier=qualifier)
        for qualifier in (found.number, versions.ALIAS)
    )
    if then.get("State") == "Failed":
        raise VersionError(f"version {found.number} of {function} cannot run: check out its commit, and `make deploy`")
    for name in OF_THE_STACK:  # there is another one after tables were restored (infra/restore.py)
        was, value = (one.get("Environment", {}).get("Variables", {}).get(name) for one in (then, now))
        if was and value and was != value:
            raise VersionError(
                f"version {found.number} of {function} has the {name} {was}, which is {value} by now, and its role has"
                " no right to the former: check out its commit, and `make deploy`"
            )
    return found


def _find(client: Any, function: str, deployment: str) -> Version | None:
    return next((one for one in reversed(versions.published(client, function)) if one.deployment == deployment), None)


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m infra.rollback", description=__doc__.partition("\n")[0])
    parser.add_argument("environment")
    parser.add_argument("deployment", nargs="?", default="", help="the one to go back to; without: that before")
    parser.add_argument("--list", action="store_true", help="show what can be gone back to, and change nothing")
    options = parser.parse_args(arguments)
    with in_one_line(options.environment):
        client = session_of(options.environment).create_client("lambda")
        if options.list:
            sys.stdout.writelines(lines(client, options.environment))
        else:
            roll_back(client, options.environment, options.deployment)


if __name__ == "__main__":
    main()
