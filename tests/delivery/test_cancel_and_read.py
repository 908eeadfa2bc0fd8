"""cancel takes back what nobody was asked for; read tells the story and lists."""

from itertools import product

import pytest

from app.delivery import read
from app.domain.email import Mailbox, Message
from app.domain.head import EmailStatus, Status, status
from app.domain.kinds import Kind
from app.domain.listing import Wanted
from app.domain.outcome import Outcome
from app.errors import Conflict, Invalid, NotFound
from app.store.head_items import HeadItem
from tests.support.harness import Harness
from tests.support.outcomes import UNAVAILABLE, UNCERTAIN, accepted
from tests.support.samples import an_email, put_entry, somebody
from tests.support.size import FULL


def test_a_queued_email_is_canceled_and_canceling_twice_is_fine(harness: Harness) -> None:
    email_id = harness.take(an_email())
    canceled = harness.cancel(email_id, None)
    assert status(canceled.recipients.values()) is EmailStatus.CANCELED
    assert harness.cancel(email_id, None) == canceled == harness.head(email_id)
    assert harness.later(86_400) == [(email_id, 1)]  # the message of `accept`, which is dropped
    assert harness.send.calls == []


def test_an_email_that_waits_for_a_round_can_be_canceled(harness: Harness) -> None:
    email_id = harness.take(an_email(providers=("ses",)))
    harness.send.plan("ses", UNAVAILABLE)
    harness.work()
    harness.cancel(email_id, None)
    assert harness.later(86_400) == []
    assert harness.only(email_id).status is Status.CANCELED


def test_nobody_can_cancel_what_does_not_exist(harness: Harness) -> None:
    with pytest.raises(NotFound):
        harness.cancel("eml_nobody", None)


@pytest.mark.parametrize("planned", [accepted(), UNCERTAIN], ids=["sent", "uncertain"])
def test_it_is_too_late_when_a_provider_may_have_it(harness: Harness, planned: Outcome) -> None:
    email_id = harness.take(an_email())
    harness.send.plan("sendgrid", planned)
    harness.work()
    before = harness.head(email_id)
    with pytest.raises(Conflict):
        harness.cancel(email_id, None)
    assert harness.head(email_id) == before


def test_it_is_too_late_during_the_call(harness: Harness) -> None:
    email_id = harness.take(an_email())

    def call(_: Message) -> Outcome:
        with pytest.raises(Conflict):
            harness.cancel(email_id, None)
        return accepted()

    harness.send.plan("sendgrid", call)
    harness.work()
    assert harness.only(email_id).status is Status.SENT


def test_of_a_half_sent_email_the_other_half_is_canceled(harness: Harness) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    email_id = harness.take(an_email(ann, bob))
    harness.work()
    harness.report(harness.event(email_id, Kind.BLOCKED, to=bob.key))
    harness.cancel(email_id, None)
    recipients = harness.head(email_id).recipients
    assert (recipients[ann.key].status, recipients[bob.key].status) == (Status.SENT, Status.CANCELED)
    harness.work()
    assert len(harness.send.calls) == 1


def test_the_story_of_an_unknown_email_is_not_found(harness: Harness) -> None:
    with pytest.raises(NotFound):
        harness.read.story("eml_nobody", None)


def listed(harness: Harness, recipient: str | None, wanted: EmailStatus | None, limit: int) -> list[str]:
    """All pages."""
    found: list[str] = []
    after: str | None = None
    while True:
        page = harness.read.page(Wanted(recipient=recipient or "", status=wanted), after, limit)
        assert len(page.heads) <= limit
        found += [head.email_id for head in page.heads]
        if page.after is None:
            return found
        assert page.after != after  # else the same page would come for ever
        after = page.after


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_emails_to_somebody_are_listed_newest_first_page_by_page(harness: Harness, limit: int) -> None:
    ann = somebody("Ann")
    emails = []
    for step in (0, 0, 1, 1, 1):  # some within one millisecond
        harness.clock.advance(step)
        emails.append(harness.take(an_email(somebody(), cc=(ann,))))
    harness.take(an_email())
    found = listed(harness, ann.key, None, limit)
    assert sorted(found) == sorted(emails)
    assert found[:3] == emails[:1:-1]


def test_a_listing_tells_emails_by_their_status(harness: Harness) -> None:
    ann = somebody("ann")
    waiting, gone, delivered = (harness.take(an_email(ann)) for _ in range(3))
    harness.cancel(gone, None)
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
        page = harness.read.page(Wanted(), after, limit)
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
        put_entry(ann.key, f"eml_gone_{n:04d}", n + 1)
    page = harness.read.page(Wanted(recipient=ann.key, status=EmailStatus.QUEUED), None, 5)
    assert (page.heads, page.after is None) == ([], False)
    assert harness.read.page(Wanted(recipient=ann.key, status=EmailStatus.QUEUED), page.after, 5).after is None


# Which of the emails match, oldest first: alone, side by side, and with a long gap between them.
MATCHES = [True, False, True, True, False, False, False, False, False, False, True, True, True, False, True, False]


def some_canceled(harness: Harness, recipient: Mailbox) -> list[str]:
    """Takes an email for each of `MATCHES`, some at the same time; returns those that match, canceled, newest first."""
    canceled = []
    for number, matches in enumerate(MATCHES):
        harness.clock.advance(number % 3)
        email_id = harness.take(an_email(recipient))
        if matches:
            harness.cancel(email_id, None)
            canceled.append(email_id)
    return canceled[::-1]


# How many emails a page has at most, and how many are read at a time to find them.
SIZES = ([1, 2, 3, 4, 100], [1, 2, 5, 1000]) if FULL else ([2, 100], [1, 5])


def test_the_pages_of_one_recipients_emails_with_a_status_hold_every_match_once(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = somebody("ann")
    canceled = some_canceled(harness, ann)
    for limit, read_at_most in product(*SIZES):
        monkeypatch.setattr(read, "READ_AT_MOST", read_at_most)
        found = listed(harness, ann.key, EmailStatus.CANCELED, limit)
        assert sorted(found) == sorted(canceled), (limit, read_at_most)
        assert len(listed(harness, ann.key, EmailStatus.QUEUED, limit)) == len(MATCHES) - len(canceled)
        assert len(set(listed(harness, ann.key, None, limit))) == len(MATCHES)


@pytest.mark.parametrize("read_at_most", [2, pytest.param(5, marks=pytest.mark.full)])
@pytest.mark.parametrize(
    "limit", [1, pytest.param(2, marks=pytest.mark.full), 3, pytest.param(4, marks=pytest.mark.full)]
)
def test_the_pages_of_all_emails_with_a_status_hold_every_match_once(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, limit: int, read_at_most: int
) -> None:
    """The emails of other tests are older: the pages are read until the oldest of this test's emails is found."""
    monkeypatch.setattr(read, "READ_AT_MOST", read_at_most)
    harness.clock.advance(10**7 * (10 * limit + read_at_most))
    canceled = some_canceled(harness, somebody("ann"))
    found: list[str] = []
    after: str | None = None
    while canceled[-1] not in found:
        page = harness.read.page(Wanted(status=EmailStatus.CANCELED), after, limit)
        assert len(page.heads) <= limit
        found += [head.email_id for head in page.heads]
        assert page.after != after  # else the same page would come for ever
        after = page.after
        assert after is not None or canceled[-1] in found
    assert sorted(found[: len(canceled)]) == sorted(canceled)


@pytest.mark.parametrize("after", ["", "x", "é", "AAAA", "bm90aGluZw", "====="])
def test_a_cursor_that_is_none_is_invalid(harness: Harness, after: str) -> None:
    with pytest.raises(Invalid) as refused:
        harness.read.page(Wanted(), after, 10)
    assert refused.value.errors[0][0] == "after"
