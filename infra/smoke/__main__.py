"""`python -m infra.smoke ENVIRONMENT` runs every step; `make smoke STAGE=dev ARGS='--keep'` is the same."""

import argparse
import sys
from typing import Final

from app.errors import ConfigurationError
from infra.commands import require_environment
from infra.smoke import data, deployment, left_behind, mail, notifications, watching
from infra.smoke.run import Step, choose, report_left_behind, run
from infra.smoke.world import World

STEPS: Final = (
    Step("begin", "the account has nothing of this environment yet", deployment.begin),
    Step("secrets", "the secrets are stored", deployment.store_secrets),
    Step("deploy", "a first deployment succeeds", deployment.deploy),
    Step("answer", "the API answers, and knows who may ask", deployment.answers),
    Step("alarms", "alarms are on, and none of those that wake somebody up goes off", watching.alarms),
    Step("send", "emails to SES's simulator are accepted and sent", mail.send),
    Step("events", "SES reports the delivery, the bounce and the complaint", mail.events),
    Step(
        "notify",
        "what becomes of an email comes out of the stream, into the feed and to a receiver",
        notifications.notifies,
    ),
    Step("metrics", "CloudWatch reads the metrics out of the logs", watching.metrics),
    Step("alarm", "an alarm that goes off reaches its topic", watching.alarm),
    Step("traces", "X-Ray has traces of the API", watching.traces),
    Step("update", "a second deployment succeeds", deployment.deploy),
    Step("rollback", "the first version comes back", deployment.roll_back),
    Step("restore", "the tables are restored, and the environment goes on with them", data.restores),
    Step("remove", "everything is removed", deployment.remove),
)
# What a step asks of the settings, so that it fails before anything is made.
ASKED: Final = {"events": mail.require_ses, "traces": watching.require_tracing}


def main(arguments: list[str] | None = None) -> None:
    """Run the steps; the exit status is 1 if one fails."""
    names = ", ".join(step.name for step in STEPS)
    parser = argparse.ArgumentParser(prog="make smoke", description=__doc__, epilog=f"The steps: {names}.")
    parser.add_argument("environment")
    parser.add_argument("--keep", action="store_true", help="leave everything there in the end")
    parser.add_argument("--only", type=_names, default=[], help="these steps, to go on after a failure: a,b,c")
    parser.add_argument("--without", type=_names, default=[], help="all but these steps")
    parser.add_argument("--api-url", default="", help="where the API is reached, with {id}; AWS's address if not set")
    options = parser.parse_args(arguments)
    try:
        world, steps = _prepare(options)
    except ConfigurationError as error:
        sys.exit(f"{options.environment}: {error}")
    remedy = f"To remove it: make smoke STAGE={world.environment} ARGS='--only remove'"
    succeeded = run(steps, world, lambda: left_behind.find(world) if world.notes.get("began") else [], remedy)
    if not succeeded:
        sys.exit(1)
    if left_out := [step.name for step in STEPS if step not in steps]:
        sys.stdout.write(f"\nNot shown, because they were left out: {', '.join(left_out)}\n")
    if all(step.name != "remove" for step in steps):
        report_left_behind(lambda: left_behind.find(world), remedy)


def _prepare(options: argparse.Namespace) -> tuple[World, list[Step]]:
    """The world and the steps. Raises ConfigurationError before anything is made, if it cannot succeed."""
    require_environment(options.environment)
    deployment.refuse_what_is_in_use(options.environment)
    without = [*options.without, *(["remove"] if options.keep else [])]
    steps, world = choose(STEPS, options.only, without), World.of(options.environment, options.api_url)
    for step in steps:
        if step.name in ASKED:
            ASKED[step.name](world.settings)
    if steps and steps[0].name != "begin" and not world.notes.get("began"):
        raise ConfigurationError("is not an environment that make smoke made here: the first step is begin")
    return world, steps


def _names(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


if __name__ == "__main__":
    main()
