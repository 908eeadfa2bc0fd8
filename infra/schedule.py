"""The clock of the sweep: a rule of EventBridge that calls the alias every minute. Every call may be repeated.

Zappa's `events` would call the function itself, and so what is being deployed, and they make the rule anew every time.
"""

from contextlib import suppress
from typing import Any, Final

from infra.stages import Stage
from infra.versions import ALIAS

EVERY: Final = "rate(1 minute)"  # the alarm of a silent sweep counts on it
TARGET: Final = "sweep"


class ScheduleError(Exception):
    """EventBridge does not call the sweep."""


def apply(client: Any, events: Any, stage: Stage) -> None:
    """Make the rule, let it call the alias of the function, and nothing else. `events` is a client of EventBridge."""
    rule_arn = events.put_rule(Name=stage.function, ScheduleExpression=EVERY, State="ENABLED")["RuleArn"]
    with suppress(client.exceptions.ResourceConflictException):  # the alias has this permission already
        client.add_permission(
            FunctionName=stage.function,
            Qualifier=ALIAS,
            StatementId="schedule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule_arn,
        )
    alias_arn = client.get_alias(FunctionName=stage.function, Name=ALIAS)["AliasArn"]
    # A target that cannot be made is no error of the request.
    if failed := events.put_targets(Rule=stage.function, Targets=[{"Id": TARGET, "Arn": alias_arn}])["FailedEntries"]:
        raise ScheduleError(f"the rule {stage.function} cannot call {alias_arn}: {failed[0].get('ErrorMessage')}")


def remove(events: Any, stage: Stage) -> None:
    """Delete the rule, if it is there."""
    with suppress(events.exceptions.ResourceNotFoundException):
        events.remove_targets(Rule=stage.function, Ids=[TARGET])
        events.delete_rule(Name=stage.function)
