"""Outcomes, and the line that a story tells of a provider's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.kinds import SURELY_NOT_SENT, TRANSIENT, Cause, Kind
from app.domain.outcome import Outcome, shorten
from tests.support.outcomes import (
    ACCOUNT,
    ON_PROVIDER_LIST,
    REFUSED,
    THROTTLED,
    UNAVAILABLE,
    UNCERTAIN,
    UNDELIVERABLE,
    accepted,
)


@pytest.mark.parametrize(
    "outcome", [accepted(), UNAVAILABLE, ACCOUNT, THROTTLED, REFUSED, UNCERTAIN, UNDELIVERABLE], ids=lambda o: o.reply
)
def test_the_table_knows_an_outcome_by_its_kind(outcome: Outcome) -> None:
    assert outcome.signal_kind is outcome.kind


def test_but_who_is_on_the_providers_list_is_suppressed() -> None:
    assert ON_PROVIDER_LIST.signal_kind is Kind.SUPPRESSED
    assert Outcome(Kind.REFUSED, Cause.MESSAGE, suppressed=True).signal_kind is Kind.REFUSED


def test_four_outcomes_say_that_nothing_was_sent() -> None:
    assert {Kind.UNAVAILABLE, Kind.THROTTLED, Kind.REFUSED, Kind.UNDELIVERABLE} == SURELY_NOT_SENT


def test_what_passes_is_the_providers_fault() -> None:
    assert {Kind.UNAVAILABLE, Kind.THROTTLED} == TRANSIENT


@pytest.mark.parametrize(
    ("text", "line"),
    [("", ""), ("  one\r\n two\t three ", "one two three"), ("x" * 500, "x" * 500), ("x" * 501, "x" * 499 + "…")],
    ids=["empty", "lines", "as long as may be", "too long"],
)
def test_a_reply_becomes_one_line(text: str, line: str) -> None:
    assert shorten(text) == line


@given(st.text(), st.integers(1, 50))
def test_a_line_is_never_longer_and_never_breaks(text: str, limit: int) -> None:
    line = shorten(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert shorten(line, limit) == line
