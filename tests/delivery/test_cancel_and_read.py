"""cancel takes back what nobody was asked for; read tells the story and lists."""

import pytest

from app.delivery import read
from app.domain.email import Message
from app.domain.head import EmailStatus, Status, status
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.errors import Conflict, Invalid, NotFound
from app.store.heads import HeadItem
from tests.support.desk import Desk
from tests.support.outcomes import UNAVAILABLE, UNCERTAIN, accepted
from tests.support.samples import an_email, somebody


def test_a_queued_email_is_canceled_and_canceling_twice_is_fine(desk: Desk) -> None:
    email_id = desk.take(an_email())
    canceled = desk.cancel(email_id)
    assert status(canceled.recipients.values()) is EmailStatus.CANCELED
    assert desk.cancel(email_id) == canceled == desk.head(email_id)
    assert desk.later(86_400) == [(email_id, 1)]  # the message of `accept`, which is dropped
    assert desk.post.calls == []


def test_an_email_that_waits_for_a_round_can_be_canceled(desk: Desk) -> None:
    email_id = desk.take(an_email(providers=("ses",)))
    desk.post.plan("ses", UNAVAILABLE)
    desk.work()
    desk.cancel(email_id)
    assert desk.later(86_400) == []
    assert desk.only(email_id).status is Status.CANCELED


def test_nobody_can_cancel_what_does_not_exist(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.cancel("eml_nobody")


@pytest.mark.parametrize("planned", [accepted(), UNCERTAIN], ids=["sent", "uncertain"])
def test_it_is_too_late_when_a_provider_may_have_it(desk: Desk, planned: Outcome) -> None:
    email_id = desk.take(an_email())
    desk.post.plan("sendgrid", planned)
    desk.work()
    before = desk.head(email_id)
    with pytest.raises(Conflict):
        desk.cancel(email_id)
    assert desk.head(email_id) == before


def test_it_is_too_late_during_the_call(desk: Desk) -> None:
    email_id = desk.take(an_email())

    def call(_: Message) -> Outcome:
        with pytest.raises(Conflict):
            desk.cancel(email_id)
        return accepted()

    desk.post.plan("sendgrid", call)
    desk.work()
    assert desk.only(email_id).status is Status.SENT


def test_of_a_half_sent_email_the_other_half_is_canceled(desk: Desk) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    email_id = desk.take(an_email(ann, bob))
    desk.work()
    desk.report(desk.event(email_id, Kind.BLOCKED, to=bob.key))
    desk.cancel(email_id)
    recipients = desk.head(email_id).recipients
    assert (recipients[ann.key].status, recipients[bob.key].status) == (Status.SENT, Status.CANCELED)
    desk.work()
    assert len(desk.post.calls) == 1


def test_the_story_of_an_unknown_email_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.read.story("eml_nobody")


def listed(desk: Desk, recipient: str | None, wanted: EmailStatus | None, limit: int) -> list[str]:
    """All pages."""
    found: list[str] = []
    after: str | None = None
    while True:
        page = desk.read.page(recipient, wanted, after, limit)
        assert len(page.heads) <= limit
        found += [head.email_id for head in page.heads]
        after = page.after
        if after is None:
            return found


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_emails_to_somebody_are_listed_newest_first_page_by_page(desk: Desk, limit: int) -> None:
    ann = somebody("Ann")
    emails = []
    for step in (0, 0, 1, 1, 1):  # some within one millisecond
        desk.clock.advance(step)
        emails.append(desk.take(an_email(somebody(), cc=(ann,))))
    desk.take(an_email())
    found = listed(desk, ann.address.upper(), None, limit)
    assert sorted(found) == sorted(emails)
    assert found[:3] == emails[:1:-1]


def test_a_listing_tells_emails_by_their_status(desk: Desk) -> None:
    ann = somebody("ann")
    waiting, gone, delivered = (desk.take(an_email(ann)) for _ in range(3))
    desk.cancel(gone)
    desk.attempt(delivered, 1)
    desk.report(desk.event(delivered, Kind.DELIVERED))
    assert listed(desk, ann.key, EmailStatus.QUEUED, 10) == [waiting]
    assert listed(desk, ann.key, EmailStatus.CANCELED, 1) == [gone]
    assert listed(desk, ann.key, EmailStatus.DELIVERED, 1) == [delivered]
    assert listed(desk, ann.key, EmailStatus.FAILED, 10) == []


@pytest.mark.parametrize("limit", [4, 100])
def test_all_emails_are_listed_newest_first_across_the_shards(desk: Desk, limit: int) -> None:
    desk.clock.advance(10**4 * limit)  # newer than whatever else is there
    emails = []
    for _ in range(20):
        desk.clock.advance(1)
        emails.append(desk.take(an_email()))
    found: list[str] = []
    after: str | None = None
    while len(found) < 20:
        page = desk.read.page(None, None, after, limit)
        found += [head.email_id for head in page.heads]
        after = page.after
    assert found[:20] == emails[::-1]


def test_an_email_that_is_gone_is_left_out(desk: Desk) -> None:
    ann = somebody("ann")
    first, second = (desk.take(an_email(ann)) for _ in range(2))
    HeadItem(first).delete()
    assert listed(desk, ann.key, None, 1) == [second]


def test_a_page_looks_at_so_many_emails_only_and_says_where_to_go_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "LOOKED_AT", 10)
    ann = somebody("ann")
    for n in range(11):
        desk.recipients.put([ann.key], f"eml_gone_{n:04d}", n + 1, 4_000_000_000)
    page = desk.read.page(ann.key, None, None, 5)
    assert (page.heads, page.after is None) == ([], False)
    assert desk.read.page(ann.key, None, page.after, 5).after is None


@pytest.mark.parametrize("after", ["", "x", "é", "AAAA", "bm90aGluZw", "====="])
def test_a_cursor_that_is_none_is_invalid(desk: Desk, after: str) -> None:
    with pytest.raises(Invalid) as refused:
        desk.read.page(None, None, after, 10)
    assert refused.value.errors[0][0] == "after"
