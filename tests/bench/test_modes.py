"""What copies are worth."""

import pytest

from bench.front import Trouble
from bench.modes import Fate, Mode, Verdict, Way, judge

FIRST, SECOND = "sendgrid", "mailgun"


@pytest.mark.parametrize(
    ("fate", "takers", "verdict"),
    [
        (Fate.DELIVERED, [], Verdict.LOST),
        (Fate.DELIVERED, [SECOND], Verdict.ONCE),
        (Fate.DELIVERED, [FIRST, SECOND], Verdict.TWICE),
        (Fate.BLOCKED, [FIRST], Verdict.LOST),
        (Fate.BLOCKED, [FIRST, SECOND], Verdict.ONCE),
        (Fate.SILENT, [FIRST], Verdict.UNKNOWN),
        (Fate.SILENT, [FIRST, SECOND], Verdict.ONCE),
        (Fate.DEAD, [FIRST], Verdict.NOT_RESENT),
        (Fate.DEAD, [FIRST, SECOND], Verdict.RESENT_TO_DEAD),
    ],
)
def test_copies_are_judged_by_their_fate(fate: Fate, takers: list[str], verdict: Verdict) -> None:
    assert judge(Mode("any", Way.SIMULATOR, trouble=Trouble.NONE, fate=fate), takers, FIRST) is verdict
