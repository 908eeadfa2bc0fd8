"""What a failure report proves: one reader for all providers (docs/bounces.md).

    report = Report(action="failed", status="5.1.1", text="550 5.1.1 …", label=Label.GENERIC)
    kind, cause = meaning(account, report)

`RULES` is ordered by the priority of the evidence, and its first row that applies decides. It is total: the last row
always applies.
"""

import logging
from typing import Final

from app.providers.sdk.bounces.code_rules import CODES, REMAINS
from app.providers.sdk.bounces.features import collect
from app.providers.sdk.bounces.first_rules import IS_IT_A_FAILURE, LABELS, TOKENS
from app.providers.sdk.bounces.meaning import MEANINGS, EventMeaning
from app.providers.sdk.bounces.report import Label, Proven, Reading, Report
from app.providers.sdk.bounces.rule import TITLES, Priority, Rule
from app.providers.sdk.bounces.word_rules import ABOUT_US, MAILBOX, UNKNOWN_RECIPIENT

__all__ = [
    "MEANINGS",
    "RULES",
    "TITLES",
    "EventMeaning",
    "Label",
    "Priority",
    "Proven",
    "Reading",
    "Report",
    "Rule",
    "meaning",
    "read",
]

_log = logging.getLogger(__name__)

RULES: Final[tuple[Rule, ...]] = (
    *IS_IT_A_FAILURE,
    *LABELS,
    *TOKENS,
    *ABOUT_US,
    *MAILBOX,
    *UNKNOWN_RECIPIENT,
    *CODES,
    *REMAINS,
)


def read(report: Report) -> Reading:
    """What a report proves. It raises nothing, whatever the report holds."""
    evidence = collect(report)
    rule = next(rule for rule in RULES if rule.applies(evidence))
    return Reading(rule.proves, rule.name, rule.source)


def meaning(account: str, report: Report) -> EventMeaning:
    """The kind and the cause of the event that a report by `account` amounts to.

    The rule is logged, and counted by `app.metrics`: a host that words its answers anew shows as a rule that rises.
    """
    reading = read(report)
    _log.info("report judged", extra={"provider": account, "rule": reading.rule, "proven": reading.proven.value})
    return MEANINGS[reading.proven]
