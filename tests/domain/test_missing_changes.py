"""What the feed was not told of an email follows from its head, however much of the email's history is only counted."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.attempts import Attempt
from app.domain.change_payload import payload_of
from app.domain.change_types import ChangeType
from app.domain.changes import EmailChange, changes
from app.domain.email import Role
from app.domain.head import Head, Recipient
from app.domain.history import KEPT, fold
from app.domain.kinds import Kind
from app.domain.missing_changes import InFeed, missing_changes
from tests.support.samples import a_head

PEOPLE = ("ann@example.net", "bob@example.net")
Calls = list[tuple[str, tuple[str, ...]]]
"""By account, and to whom."""

CALLS = st.lists(
    st.tuples(st.sampled_from("aaab"), st.sampled_from([PEOPLE, PEOPLE[:1], PEOPLE[1:]])), min_size=1, max_size=40
)


def heads_of(calls: Calls, kept: int) -> list[Head]:
    """The heads of an email whose calls all fail, each with its newest `kept` calls."""
    recipients = {name: Recipient(name, Role.TO) for name in PEOPLE}
    heads = [a_head(1000, email_id="eml_1", recipients=recipients, version=1)]
    for number, (account, people) in enumerate(calls, start=1):
        call = Attempt(number, account, people, 1000 + number, Kind.UNAVAILABLE)
        before = heads[-1]
        claimed = replace(
            before, attempts=(*before.attempts, call), next_attempt=number + 1, version=before.version + 1
        )
        heads.append(fold(claimed, kept))
    return heads


def told_of(heads: list[Head]) -> list[EmailChange]:
    steps = [changes(old, new, 2000) for old, new in pairwise(heads)]
    return [*changes(None, heads[0], 2000), *(change for step in steps for change in step)]


def in_feed(told: list[EmailChange]) -> InFeed:
    known = InFeed()
    for change in told:
        known.see({"id": change.id, **payload_of(change)})
    return known


@pytest.mark.parametrize("kept", [KEPT, 10])
def test_an_account_that_is_called_for_days_after_another_has_taken_over_once(kept: int) -> None:
    calls: Calls = [("a", PEOPLE), ("b", PEOPLE), *([("a", PEOPLE)] * (KEPT + 20))]
    heads = heads_of(calls, kept)
    told = told_of(heads)
    assert [(one.attempt, one.provider) for one in told if one.type is ChangeType.FAILED_OVER] == [
        (2, "b"), (2, "b"), (3, "a"), (3, "a"),
    ]  # fmt: skip
    assert heads[-1].earlier["a"].count > 0
    assert missing_changes(heads[-1], in_feed(told)) == ()


@given(CALLS, st.sampled_from([0, 3, KEPT]))
def test_a_failover_is_told_of_exactly_those_who_are_called_through_another_account(calls: Calls, kept: int) -> None:
    last: dict[str, str] = {}
    expected = []
    for number, (account, people) in enumerate(calls, start=1):
        expected += [(name, number, last[name]) for name in people if last.get(name, account) != account]
        last |= dict.fromkeys(people, account)
    heads = heads_of(calls, kept)
    told = told_of(heads)
    failovers = [one for one in told if one.type is ChangeType.FAILED_OVER]
    assert [(one.recipient, one.attempt, one.previous_provider) for one in failovers] == expected
    assert missing_changes(heads[-1], in_feed(told)) == ()
    if kept == KEPT:  # all calls are listed, so that whatever was not told is found
        only_new = in_feed([one for one in told if one.type is not ChangeType.FAILED_OVER])
        found = missing_changes(heads[-1], only_new)
        assert sorted((one.recipient, one.attempt, one.previous_provider) for one in found) == sorted(expected)
    else:  # of some, nobody knows any more; none is made up
        found = missing_changes(heads[-1], in_feed(told_of(heads[:1])))
        assert {(one.recipient, one.attempt) for one in found} <= {(name, number) for name, number, _ in expected}
