"""Published versions of a function, and the alias by which everything calls it.

A version freezes code and settings. API Gateway, the topic, the delay queue and the schedule call the alias: a version
is live once the alias points at it. Each version that a deployment publishes is labelled, in its description, with that
deployment and with the one that was live before it, so that a rollback knows where to go back to.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import WaiterError

ALIAS: Final = "live"
LATEST: Final = "$LATEST"
CONFLICTS: Final = 3  # how often somebody else's update of the function is waited for
_LABEL: Final = re.compile(r"([0-9a-f]{12})(?: after ([0-9a-f]{12}))?")


class VersionError(Exception):
    """A version cannot be published, or no alias can be moved to it. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version that a deployment published. `after` is the deployment that was live before it; "" if none was.

    The API's is meant, whose alias moves last: what failed halfway was never live as a whole.
    """

    number: str
    deployment: str
    after: str
    published_at: str


def published(client: Any, function: str) -> list[Version]:
    """The versions of the function that deployments published, the oldest first. `client` is one of Lambda."""
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    numbered = [found for page in pages for found in page["Versions"] if found["Version"] != LATEST]
    return list(_labelled(sorted(numbered, key=lambda found: int(found["Version"]))))


def _labelled(found: list[dict[str, Any]]) -> Iterator[Version]:
    for one in found:
        if label := _LABEL.fullmatch(one.get("Description", "")):
            yield Version(one["Version"], label[1], label[2] or "", one.get("LastModified", ""))


def live_number(client: Any, function: str) -> str:
    """The version at which the alias points: a number, LATEST before the first is published, "" without an alias."""
    try:
        return str(client.get_alias(FunctionName=function, Name=ALIAS)["FunctionVersion"])
    except client.exceptions.ResourceNotFoundException:
        return ""


def live(client: Any, function: str) -> Version | None:
    """The version that is live; None if no deployment has published it."""
    number = live_number(client, function)
    found = published(client, function) if number.isdigit() else []
    return next((one for one in found if one.number == number), None)


def is_shifting(client: Any, function: str) -> bool:
    """Whether the alias lets a share of the calls reach another version, as while CodeDeploy moves it."""
    alias = client.get_alias(FunctionName=function, Name=ALIAS)
    return bool(alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"))


def require_alias(client: Any, function: str) -> None:
    """Give a function its alias if it has none: of what is in it now, so that what calls the alias can be made."""
    if not live_number(client, function):
        client.create_alias(FunctionName=function, Name=ALIAS, FunctionVersion=LATEST)


def publish(client: Any, function: str, deployment: str, api: Version | None = None) -> str:
    """Publish what is in the function as a version of this deployment, and wait until it can run. Returns its number.

    `api` is the API's version that is live, if another function is published: what is gone back to is its deployment.
    An update of the function that is under way is waited for. If nothing has changed since the newest version, Lambda
    answers with that one. Raises VersionError with Lambda's reason if the function or the version fails.
    """
    after = _before(deployment, live(client, function), api)
    label = f"{deployment} after {after}" if after else deployment
    for _ in range(CONFLICTS):
        wait_until_updated(client, function)
        with suppress(client.exceptions.ResourceConflictException):  # another update has begun meanwhile
            number = str(client.publish_version(FunctionName=function, Description=label)["Version"])
            # With SnapStart, this takes as long as its start and a snapshot: minutes.
            _wait(client, "published_version_active", FunctionName=function, Qualifier=number)
            return number
    raise VersionError(f"{function} is being changed by somebody else: wait until that is done, and do this again")


def _before(deployment: str, now: Version | None, api: Version | None) -> str:
    """The deployment before this one. `now` is what is live of the function, which may have this one already."""
    for known in (now, api):
        if known and known.deployment == deployment:
            return known.after
    known = api or now
    return known.deployment if known else ""


def wait_until_updated(client: Any, function: str) -> None:
    """Wait until no update of the function is under way. Raises VersionError, with the reason, if the last failed."""
    _wait(client, "function_updated_v2", FunctionName=function)


def move(client: Any, function: str, number: str) -> None:
    """Let everything call this version, and no other: a shift that CodeDeploy has under way ends."""
    client.update_alias(
        FunctionName=function,
        Name=ALIAS,
        FunctionVersion=number,
        RoutingConfig={"AdditionalVersionWeights": {}},
    )


def prune(client: Any, function: str, keep: int, needed: Collection[str] = ()) -> None:
    """Delete versions of deployments older than the newest `keep`, and all but the newest version of each.

    Those of the deployments `needed` stay, however old: what is live elsewhere, and what that goes back to. What an
    alias points at stays, whose ever the alias is, and so does what a rollback goes back to. What somebody else
    published stays, too.
    """
    versions = published(client, function)
    newest = {one.deployment: one for one in versions}
    kept = {one.number for one in sorted(newest.values(), key=lambda one: int(one.number))[-keep:]}
    called = _called(client, function)
    kept |= {newest[deployment].number for deployment in needed if deployment in newest}
    for one in versions:
        if one.number in called and one.after in newest:
            kept.add(newest[one.after].number)
    for one in versions:
        if one.number not in kept | called:
            client.delete_function(FunctionName=function, Qualifier=one.number)


def _called(client: Any, function: str) -> set[str]:
    """The versions at which an alias points, also if it does so for a share of the calls only."""
    pages = client.get_paginator("list_aliases").paginate(FunctionName=function)
    aliases = [alias for page in pages for alias in page["Aliases"]]
    weighted = [alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}) for alias in aliases]
    return {alias["FunctionVersion"] for alias in aliases} | {number for weights in weighted for number in weights}


def _wait(client: Any, waiter: str, **about: str) -> None:
    try:
        client.get_waiter(waiter).wait(**about)
    except WaiterError as error:
        answer: Any = error.last_response
        found = answer.get("Configuration", answer)
        failed = found.get("LastUpdateStatus") == "Failed"
        reason = found.get("LastUpdateStatusReason" if failed else "StateReason") or error
        raise VersionError(f"{about['FunctionName']}: AWS cannot run what was deployed: {reason}") from error
