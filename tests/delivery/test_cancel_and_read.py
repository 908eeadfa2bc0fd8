"""cancel takes back what nobody was asked for; read tells the story and lists."""

import pytest

from app.delivery import read
from app.domain.email import Message
from app.domain.head import EmailStatus, Status, status
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.domain.suppression import Reason, Suppression
from app.errors import Conflict, Invalid, NotFound
from app.store.heads import HeadItem
from tests.support.harness import Harness
from tests.support.outcomes import UNAVAILABLE, UNCERTAIN, accepted
from tests.support.samples import an_email, somebody


def test_a_queued_email_is_canceled_and_canceling_twice_is_fine(harness: Harness) -> None:
    email_id = harness.take(an_email())
    canceled = harness.cancel(email_id)
    assert status(canceled.recipients.values()) is EmailStatus.CANCELED
    assert harness.cancel(email_id) == canceled == harness.head(email_id)
    assert harness.later(86_400) == [(email_id, 1)]  # the message of `accept`, which is dropped
    assert harness.send.calls == []


def test_an_email_that_waits_for_a_round_can_be_canceled(harness: Harness) -> None:
    email_id = harness.take(an_email(providers=("ses",)))
    harness.send.plan("ses", UNAVAILABLE)
    harness.work()
    harness.cancel(email_id)
    assert harness.later(86_400) == []
    assert harness.only(email_id).status is Status.CANCELED


def test_nobody_can_cancel_what_does_not_exist(harness: Harness) -> None:
    with pytest.raises(NotFound):
        harness.cancel("eml_nobody")


@pytest.mark.parametrize("planned", [accepted(), UNCERTAIN], ids=["sent", "uncertain"])
def test_it_is_too_late_when_a_provider_may_have_it(harness: Harness, planned: Outcome) -> None:
    email_id = harness.take(an_email())
    harness.send.plan("sendgrid", planned)
    harness.work()
    before = harness.head(email_id)
    with pytest.raises(Conflict):
        harness.cancel(email_id)
    assert harness.head(email_id) == before


def test_it_is_too_late_during_the_call(harness: Harness) -> None:
    email_id = harness.take(an_email())

    def call(_: Message) -> Outcome:
        with pytest.raises(Conflict):
            harness.cancel(email_id)
        return accepted()

    harness.send.plan("sendgrid", call)
    harness.work()
    assert harness.only(email_id).status is Status.SENT


def test_of_a_half_sent_email_the_other_half_is_canceled(harness: Harness) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    email_id = harness.take(an_email(ann, bob))
    harness.work()
    harness.report(harness.event(email_id, Kind.BLOCKED, to=bob.key))
    harness.cancel(email_id)
    recipients = harness.head(email_id).recipients
    assert (recipients[ann.key].status, recipients[bob.key].status) == (Status.SENT, Status.CANCELED)
    harness.work()
    assert len(harness.send.calls) == 1


def test_the_story_of_an_unknown_email_is_not_found(harness: Harness) -> None:
    with pytest.raises(NotFound):
        harness.read.story("eml_nobody")


def listed(harness: Harness, recipient: str | None, wanted: EmailStatus | None, limit: int) -> list[str]:
    """All pages."""
    found: list[str] = []
    after: str | None = None
    while True:
        page = harness.read.page(recipient, wanted, after, limit)
        assert len(page.heads) <= limit
        found += [head.email_id for head in page.heads]
        after = page.after
        if after is None:
            return found


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_emails_to_somebody_are_listed_newest_first_page_by_page(harness: Harness, limit: int) -> None:
    ann = somebody("Ann")
    emails = []
    for step in (0, 0, 1, 1, 1):  # some within one millisecond
        harness.clock.advance(step)
        emails.append(harness.take(an_email(somebody(), cc=(ann,))))
    harness.take(an_email())
    found = listed(harness, ann.address.upper(), None, limit)
    assert sorted(found) == sorted(emails)
    assert found[:3] == emails[:1:-1]


def test_a_listing_tells_emails_by_their_status(harness: Harness) -> None:
    ann = somebody("ann")
    waiting, gone, delivered = (harness.take(an_email(ann)) for _ in range(3))
    harness.cancel(gone)
    harness.attempt(delivered, 1)
    harness.report(harness.event(delivered, Kind.DELIVERED))
    assert listed(harness, ann.key, EmailStatus.QUEUED, 10) == [waiting]
    assert listed(harness, ann.key, EmailStatus.CANCELED, 1) == [gone]
    assert listed(harness, ann.key, EmailStatus.DELIVERED, 1) == [delivered]
    assert listed(harness, ann.key, EmailStatus.FAILED, 10) == []


@pytest.mark.parametrize("limit", [4, 100])
def test_all_emails_are_listed_newest_first_across_the_shards(harness: Harness, limit: int) -> None:
    harness.clock.advance(10**4 * limit)  # newer than whatever else is there
    emails = []
    for _ in range(20):
        harness.clock.advance(1)
        emails.append(harness.take(an_email()))
    found: list[str] = []
    after: str | None = None
    while len(found) < 20:
        page = harness.read.page(None, None, after, limit)
        found += [head.email_id for head in page.heads]
        after = page.after
    assert found[:20] == emails[::-1]


def test_an_email_that_is_gone_is_left_out(harness: Harness) -> None:
    ann = somebody("ann")
    first, second = (harness.take(an_email(ann)) for _ in range(2))
    HeadItem(first).delete()
    assert listed(harness, ann.key, None, 1) == [second]


def test_a_page_looks_at_so_many_emails_only_and_says_where_to_go_on(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "READ_AT_MOST", 10)
    ann = somebody("ann")
    for n in range(11):
        harness.recipients.put([ann.key], f"eml_gone_{n:04d}", n + 1, 4_000_000_000)
    page = harness.read.page(ann.key, None, None, 5)
    assert (page.heads, page.after is None) == ([], False)
    assert harness.read.page(ann.key, None, page.after, 5).after is None


@pytest.mark.parametrize("after", ["", "x", "é", "AAAA", "bm90aGluZw", "====="])
def test_a_cursor_that_is_none_is_invalid(harness: Harness, after: str) -> None:
    with pytest.raises(Invalid) as refused:
        harness.read.page(None, None, after, 10)
    assert refused.value.errors[0][0] == "after"


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
@pytest.mark.parametrize("by_recipient", [True, False])
def test_the_pages_of_a_filtered_list_hold_every_match_exactly_once(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, limit: int, by_recipient: bool
) -> None:
    monkeypatch.setattr(read, "READ_AT_MOST", 4)
    ann, matching = somebody("ann"), []
    harness.clock.advance(10**6 * limit + (10**7 if by_recipient else 0))  # newer than whatever else is there
    for number in range(12):
        harness.clock.advance(1)
        email_id = harness.take(an_email(ann))
        if number % 3 == 0:
            harness.cancel(email_id)
            matching.append(email_id)
    found: list[str] = []
    after: str | None = None
    for _ in range(40):
        page = harness.read.page(ann.key if by_recipient else None, EmailStatus.CANCELED, after, limit)
        found += [head.email_id for head in page.heads]
        after = page.after
        if after is None:
            break
    assert [email_id for email_id in found if email_id in matching] == matching[::-1]
    assert not by_recipient or len(found) == len(matching)


def test_a_recipient_on_our_suppression_list_says_so(harness: Harness) -> None:
    ann = somebody("ann")
    now_ms = harness.clock.now_ms
    harness.suppressions.put(Suppression(ann.key, Reason.MANUAL, "by hand", now_ms, now_ms + 10**6))
    email_id = harness.take(an_email(ann))
    harness.work()
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause, recipient.detail) == (
        Status.SUPPRESSED,
        Cause.RECIPIENT,
        "on our suppression list",
    )
