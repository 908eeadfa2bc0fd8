"""The folds over the recipients: the email's status, whether to publish, when to look again."""

from dataclasses import replace
from itertools import combinations

import pytest

from app.domain.attempts import Attempt
from app.domain.due import EARLY_MS, REPUBLISH_AFTER_MS, due_at_ms, entry_ms, ready
from app.domain.email import Role
from app.domain.head import OPEN, EmailStatus, Evidence, Head, Recipient, Status, status
from tests.support.samples import a_head

ENDS = [found for found in Status if found not in OPEN]
GOT = (Status.DELIVERED, Status.COMPLAINED)


def people(*statuses: Status, wait_until_ms: int | None = None) -> list[Recipient]:
    return [
        Recipient(f"r{n}@example.net", Role.TO, status=found, wait_until_ms=wait_until_ms)
        for n, found in enumerate(statuses)
    ]


def head_of(*recipients: Recipient, lease_until_ms: int | None = None) -> Head:
    return a_head(
        0, recipients={r.key: r for r in recipients}, lease_until_ms=lease_until_ms, lease_attempt=bool(lease_until_ms)
    )


@pytest.mark.parametrize("other", Status)
@pytest.mark.parametrize(
    ("earliest", "later"),
    [
        (Status.SCHEDULED, {*OPEN}),
        (Status.QUEUED, {Status.QUEUED, Status.SENDING, Status.SENT}),
        (Status.SENDING, {Status.SENDING, Status.SENT}),
        (Status.SENT, {Status.SENT}),
    ],
    ids=lambda value: value.value if isinstance(value, Status) else "",
)
def test_while_somebody_is_open_it_is_the_earliest_of_them(earliest: Status, later: set[Status], other: Status) -> None:
    if other in later or other in ENDS:
        assert status(people(other, earliest)) == earliest.value
        assert status(people(earliest, other)) == earliest.value


@pytest.mark.parametrize(
    ("recipients", "found"),
    [
        ((Status.DELIVERED,), EmailStatus.DELIVERED),
        ((Status.COMPLAINED,), EmailStatus.DELIVERED),
        ((Status.DELIVERED, Status.COMPLAINED), EmailStatus.DELIVERED),
        ((Status.CANCELED, Status.CANCELED), EmailStatus.CANCELED),
        ((Status.EXPIRED,), EmailStatus.EXPIRED),
        ((Status.CANCELED, Status.EXPIRED), EmailStatus.FAILED),
        ((Status.BOUNCED,), EmailStatus.FAILED),
        ((Status.SUPPRESSED,), EmailStatus.FAILED),
        ((Status.FAILED, Status.CANCELED), EmailStatus.FAILED),
    ],
)
def test_when_all_have_ended_it_is_what_the_ends_add_up_to(recipients: tuple[Status, ...], found: EmailStatus) -> None:
    assert status(people(*recipients)) is found


@pytest.mark.parametrize("pair", [p for p in combinations(ENDS, 2) if len({end in GOT for end in p}) == 2], ids=str)
def test_some_got_it_and_some_did_not(pair: tuple[Status, Status]) -> None:
    assert status(people(*pair)) is EmailStatus.PARTIALLY_DELIVERED


def test_every_single_status_has_an_email_status() -> None:
    for found in Status:
        assert status(people(found)) in EmailStatus


NOW_MS = 100_000


@pytest.mark.parametrize(
    ("recipients", "lease_until_ms", "is_ready", "due_ms"),
    [
        (people(Status.QUEUED), None, True, NOW_MS + REPUBLISH_AFTER_MS),
        (people(Status.SCHEDULED, wait_until_ms=NOW_MS + 1), None, False, NOW_MS + 1),
        (people(Status.SCHEDULED, wait_until_ms=NOW_MS), None, True, NOW_MS),
        (people(Status.QUEUED, wait_until_ms=NOW_MS + 1), None, False, NOW_MS + 1),
        (people(Status.QUEUED, wait_until_ms=NOW_MS), None, True, NOW_MS),
        (people(Status.SENDING, wait_until_ms=NOW_MS + 1), None, False, NOW_MS + 1),
        (people(Status.SENDING, wait_until_ms=NOW_MS), None, True, NOW_MS),
        (people(Status.SENDING), NOW_MS + 1, False, NOW_MS + 1),
        (people(Status.SENDING), NOW_MS, True, NOW_MS),  # an ended lease is to be decided on, whoever waits
        (people(Status.DELIVERED), NOW_MS, True, NOW_MS),
        (people(Status.QUEUED), NOW_MS + 1, False, NOW_MS + 1),  # somebody is at it: nobody else may be
        (people(Status.QUEUED, wait_until_ms=NOW_MS), NOW_MS + 1, False, NOW_MS + 1),
        *[(people(done), None, False, None) for done in Status if done not in (Status.QUEUED, Status.SENDING)],
        (people(Status.SENT, Status.DELIVERED), None, False, None),
        (people(Status.DELIVERED, Status.QUEUED), None, True, NOW_MS + REPUBLISH_AFTER_MS),
        (
            [*people(Status.SENDING, wait_until_ms=NOW_MS + 9), *people(Status.SENT, Status.QUEUED)[1:]],
            None,
            True,
            NOW_MS + 9,
        ),
    ],
    ids=lambda value: "-".join(r.status for r in value) if isinstance(value, list) else None,
)
def test_whether_to_publish_and_when_to_look_again(
    recipients: list[Recipient], lease_until_ms: int | None, due_ms: int | None, *, is_ready: bool
) -> None:
    head = head_of(*recipients, lease_until_ms=lease_until_ms)
    assert ready(head, NOW_MS) is is_ready
    assert due_at_ms(head, NOW_MS) == due_ms


def test_whatever_is_ready_or_will_be_is_due() -> None:
    for found in Status:
        for wait_ms in (None, NOW_MS - 1, NOW_MS + 1):
            if wait_ms is not None and found not in (Status.QUEUED, Status.SENDING):
                continue
            for lease_ms in (None, NOW_MS - 1, NOW_MS + 1):
                head = head_of(*people(found, wait_until_ms=wait_ms), lease_until_ms=lease_ms)
                assert (due_at_ms(head, NOW_MS) is not None) or not ready(head, NOW_MS)


@pytest.mark.parametrize(
    ("lease_until_ms", "before_ms", "after_ms"),
    [
        (NOW_MS + 30_000, NOW_MS + 10_000, NOW_MS + 10_000),  # a claim leaves it where it is
        (NOW_MS + 30_000, NOW_MS + 30_000 - EARLY_MS, NOW_MS + 30_000 - EARLY_MS),
        (NOW_MS + 30_000, NOW_MS + 29_999 - EARLY_MS, NOW_MS + 30_000),  # so that it is not swept for hours
        (NOW_MS + 30_000, NOW_MS + 30_001, NOW_MS + 30_000),  # never too late
        (NOW_MS + 30_000, None, NOW_MS + 30_000),
        (None, NOW_MS + 9_000, NOW_MS + REPUBLISH_AFTER_MS),  # the message that has just been published is on its way
        (None, NOW_MS + 11_000, NOW_MS + REPUBLISH_AFTER_MS),
    ],
)
def test_only_while_it_is_leased_an_emails_entry_may_be_too_early(
    lease_until_ms: int | None, before_ms: int | None, after_ms: int
) -> None:
    head = replace(head_of(*people(Status.QUEUED), lease_until_ms=lease_until_ms), due_entry_ms=before_ms)
    assert entry_ms(head, NOW_MS) == after_ms


@pytest.mark.parametrize("done", [Status.SENT, Status.DELIVERED, Status.FAILED])
def test_an_email_with_nothing_left_to_do_has_no_entry(done: Status) -> None:
    assert entry_ms(replace(head_of(*people(done)), due_entry_ms=NOW_MS), NOW_MS) is None


def test_attempts_are_found_by_their_number() -> None:
    head = replace(a_head(0), attempts=(Attempt(1, "a", (), 0), Attempt(2, "b", (), 0)))
    assert [head.attempt(n) and head.attempt(n).provider for n in (-1, 0, 1, 2, 3)] == [None, None, "a", "b", None]  # type: ignore[union-attr] # because of the `and`


@pytest.mark.parametrize(("now_ms", "held"), [(0, True), (99, True), (100, False), (101, False)])
def test_a_lease_is_held_until_it_ends(now_ms: int, *, held: bool) -> None:
    assert a_head(0, lease_until_ms=100).leased(now_ms) is held
    assert a_head(0).leased(now_ms) is False


def test_what_is_known_per_attempt() -> None:
    somebody = Recipient(
        "Ann@Example.net",
        Role.TO,
        evidence={
            2: frozenset({Evidence.ACCEPTED}),
            1: frozenset({Evidence.ACCEPTED, Evidence.FAILED}),
            3: frozenset({Evidence.HARD_BOUNCE}),
        },
    )
    assert somebody.key == "ann@example.net"
    assert somebody.attempts_with(Evidence.ACCEPTED) == [1, 2]
    assert somebody.attempts_with(Evidence.ACCEPTED, without=(Evidence.FAILED,)) == [2]
    assert somebody.has_evidence(1, Evidence.FAILED)
    assert not somebody.has_evidence(2, Evidence.FAILED)
    assert not somebody.has_evidence(9, Evidence.FAILED)
