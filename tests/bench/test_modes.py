"""What copies are worth."""

import pytest

from bench.faulty_proxy import Trouble
from bench.modes import Fate, Mode, Result, Way, judge

FIRST, SECOND = "sendgrid", "mailgun"


@pytest.mark.parametrize(
    ("fate", "takers", "result"),
    [
        (Fate.DELIVERED, [], Result.LOST),
        (Fate.DELIVERED, [SECOND], Result.ONCE),
        (Fate.DELIVERED, [FIRST, SECOND], Result.TWICE),
        (Fate.BLOCKED, [FIRST], Result.LOST),
        (Fate.BLOCKED, [FIRST, SECOND], Result.ONCE),
        (Fate.SILENT, [FIRST], Result.UNKNOWN),
        (Fate.SILENT, [FIRST, SECOND], Result.ONCE),
        (Fate.DEAD, [FIRST], Result.NOT_RESENT),
        (Fate.DEAD, [FIRST, SECOND], Result.RESENT_TO_DEAD),
    ],
)
def test_copies_are_judged_by_their_fate(fate: Fate, takers: list[str], result: Result) -> None:
    assert judge(Mode("any", Way.SIMULATOR, trouble=Trouble.NONE, fate=fate), takers, FIRST) is result
