"""`retry`: those whom an email did not reach are tried anew, and the story so far stays."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from app.delivery.keep import OUTLIVES_KEY_S
from app.domain.email import OnUncertain
from app.domain.head import Status
from app.domain.kinds import Cause, Kind
from app.domain.lifetime import KEPT_FOR_S, LIFETIME_S
from app.domain.retry import REFUSALS, SECOND_COPY, Again
from app.errors import Conflict, Invalid, NotFound
from app.store.content import ContentItem
from app.store.entries import EntryItem, by_recipient
from app.store.events import EventItem
from app.store.idempotency import KeyItem
from tests.support.harness import PROVIDERS, UNCERTAIN_WAIT_S, Harness
from tests.support.outcomes import REFUSED, UNAVAILABLE, UNCERTAIN, accepted
from tests.support.retrying import ALLOWED, again, failed, of_unknown_outcome, refused
from tests.support.samples import an_email, somebody

DAY_S = 24 * 3600
RETRY_FOR_S = 14_400


def test_a_failed_email_is_sent_and_the_old_attempts_stay(harness: Harness) -> None:
    email_id = failed(harness)
    before = harness.head(email_id)
    head = again(harness, email_id)
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause, recipient.detail, recipient.round) == (Status.QUEUED, None, "", 0)
    assert head.attempts == before.attempts
    harness.work()
    assert harness.only(email_id).status is Status.SENT
    assert [(one.number, one.outcome) for one in harness.head(email_id).attempts] == [
        (1, Kind.REFUSED),
        (2, Kind.REFUSED),
        (3, Kind.REFUSED),
        (4, Kind.ACCEPTED),
    ]


def test_it_has_new_deadlines_and_all_of_it_is_kept_until_then(harness: Harness) -> None:
    ann, key = somebody("ann"), uuid4().hex
    email_id = failed(harness, ann, key=key)
    harness.report(harness.event(email_id, Kind.DELAYED, attempt=1, event_id="e"))
    harness.report(harness.event(email_id, Kind.SOFT_BOUNCE, attempt=1, event_id="f"))
    assert harness.only(email_id).status is Status.FAILED
    harness.clock.advance(6 * DAY_S)
    now_s = harness.clock.now_s
    head = again(harness, email_id)
    assert head.expires_at_ms == (now_s + LIFETIME_S) * 1000
    assert head.retry_until_ms == (now_s + RETRY_FOR_S) * 1000
    assert head.ttl_s == now_s + LIFETIME_S + KEPT_FOR_S
    items: list[Any] = [
        *ContentItem.query(email_id, ContentItem.part.startswith("content")),
        *EventItem.query(email_id, EventItem.part.startswith("event")),
        *EntryItem.query(by_recipient("team", ann.key)),
    ]
    assert len(items) == 4
    assert {item.ttl.timestamp() for item in items} == {head.ttl_s}
    key_item = KeyItem.get(f"key#{head.key_hash}", "key")
    assert key_item.ttl.timestamp() == head.ttl_s - OUTLIVES_KEY_S
    assert harness.accept(an_email(ann), project="team", key=key).replayed


def test_the_lifetime_is_as_long_as_it_was_also_the_second_time(harness: Harness) -> None:
    email_id = failed(harness, expires_at_ms=harness.clock.now_ms + 600_000)
    for _ in range(2):
        harness.clock.advance(3600)
        for provider in PROVIDERS:
            harness.send.plan(provider, REFUSED)
        head = again(harness, email_id)
        assert head.expires_at_ms == harness.clock.now_ms + 600_000
        harness.work()
        assert harness.only(email_id).status is Status.FAILED


def test_an_expired_email_is_sent(harness: Harness) -> None:
    for provider in PROVIDERS:
        harness.send.plan(provider, *[UNAVAILABLE] * 9)
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 30_000))
    harness.work()
    harness.later(31)
    harness.later(31)
    assert harness.only(email_id).status is Status.EXPIRED
    for provider in PROVIDERS:
        harness.send.plan(provider)
        harness.resume(provider)
    again(harness, email_id)
    harness.work()
    assert harness.only(email_id).status is Status.SENT


def test_the_rounds_begin_anew(harness: Harness) -> None:
    email_id = failed(harness)
    for provider in PROVIDERS:
        harness.send.plan(provider, UNAVAILABLE, accepted())
    again(harness, email_id)
    harness.work()
    assert harness.only(email_id).status is Status.QUEUED
    assert harness.only(email_id).wait_until_ms is not None
    while harness.until_due(email_id):
        pass
    assert harness.only(email_id).status is Status.SENT


def test_only_those_who_are_named_are_tried(harness: Harness) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    email_id = failed(harness, ann, bob)
    again(harness, email_id, Again((bob.key,)))
    harness.work()
    statuses = {key: one.status for key, one in harness.head(email_id).recipients.items()}
    assert statuses == {ann.key: Status.FAILED, bob.key: Status.SENT}
    assert refused(harness, email_id, Again((ann.key, bob.key))) == f"{bob.address} {REFUSALS[Status.SENT]}"
    again(harness, email_id)
    harness.work()
    assert [message.to for _, message in harness.send.calls[-2:]] == [(bob,), (ann,)]


def test_who_is_no_recipient_is_named(harness: Harness) -> None:
    ann = somebody("ann")
    email_id = failed(harness, ann)
    with pytest.raises(Invalid) as refusal:
        again(harness, email_id, Again((ann.key, "nobody@example.net")))
    assert refusal.value.errors == (("recipients[1]", "is no recipient of this email"),)


def test_the_named_account_is_the_only_one_that_is_tried(harness: Harness) -> None:
    email_id = failed(harness, providers=("mailgun",))
    harness.send.plan("ses", REFUSED)
    again(harness, email_id, Again(through="ses"))
    harness.work()
    assert [one.provider for one in harness.head(email_id).attempts] == ["mailgun", "ses"]
    assert harness.only(email_id).status is Status.FAILED
    again(harness, email_id)  # and the next retry has the email's own providers
    harness.work()
    assert harness.head(email_id).attempts[-1].provider == "mailgun"
    with pytest.raises(Invalid, match="provider: is not a configured provider; these are: sendgrid, mailgun, ses"):
        again(harness, email_id, Again(through="pigeon"))


def test_an_account_that_cannot_carry_it_is_refused(harness: Harness) -> None:
    email_id = failed(harness)
    head = harness.head(email_id)
    harness.heads.update(replace(head, excluded=("ses",)), harness.clock.now_ms)
    assert refused(harness, email_id, Again(through="ses")) == "ses cannot carry this email"


# Who may not be retried


def test_to_ask_again_while_it_is_tried_changes_nothing(harness: Harness) -> None:
    email_id = failed(harness)
    again(harness, email_id)
    before = harness.head(email_id)
    with pytest.raises(Conflict, match="is being tried already"):
        again(harness, email_id)
    assert harness.head(email_id) == before
    harness.work()
    assert refused(harness, email_id).startswith("nobody is failed or expired")


def test_of_many_retries_at_once_one_is_made(harness: Harness) -> None:
    email_id = failed(harness)
    barrier = Barrier(6)

    def ask(_: int) -> bool:
        barrier.wait(60)
        try:
            again(harness, email_id)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert [*pool.map(ask, range(6))].count(True) == 1
    harness.work()
    assert [one.outcome for one in harness.head(email_id).attempts].count(Kind.ACCEPTED) == 1


def test_why_others_are_not_retried(harness: Harness) -> None:
    ann = somebody("ann")
    email_id = harness.take(an_email(ann))
    with pytest.raises(Conflict, match="is being tried already"):
        again(harness, email_id)
    harness.work()
    scheduled = harness.take(an_email(ann, send_at_ms=harness.clock.now_ms + 9000))
    assert refused(harness, scheduled) == f"{ann.address} waits for send_at; PATCH the email to move it"
    for status, kind in ((Status.SENT, None), (Status.DELIVERED, Kind.DELIVERED), (Status.COMPLAINED, Kind.COMPLAINED)):
        harness.attempt(email_id, 1)
        if kind:
            harness.report(harness.event(email_id, kind))
        assert harness.only(email_id).status is status
        assert refused(harness, email_id, Again((ann.key,))) == f"{ann.address} {REFUSALS[status]}"
    harness.cancel(scheduled, "team")
    assert refused(harness, scheduled, ALLOWED) == "this email was canceled; send a new one"


def test_nobody_retries_an_email_of_another_project_or_of_nobody(harness: Harness) -> None:
    email_id = failed(harness)
    for wrong, project in ((email_id, "others"), ("eml_nobody", "team")):
        with pytest.raises(NotFound):
            again(harness, wrong, project=project)


def test_who_may_have_got_it_gets_no_second_copy_unless_that_is_allowed(harness: Harness) -> None:
    email_id = of_unknown_outcome(harness)
    calls = len(harness.head(email_id).attempts)
    assert refused(harness, email_id) == f"{harness.only(email_id).address} {SECOND_COPY}"
    again(harness, email_id, ALLOWED)
    harness.work()
    assert harness.only(email_id).status is Status.SENT
    assert len(harness.head(email_id).attempts) == calls + 1


def test_a_retry_may_have_as_many_calls_of_unknown_outcome_as_the_email_and_its_end_tells_of_all(
    harness: Harness,
) -> None:
    email_id = of_unknown_outcome(harness)
    for provider in PROVIDERS:
        harness.send.plan(provider, *[UNCERTAIN] * 8)
    again(harness, email_id, ALLOWED)
    harness.work()
    for _ in range(4):
        harness.later(UNCERTAIN_WAIT_S)
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause) == (Status.FAILED, Cause.UNKNOWN)
    assert "4 calls" in recipient.detail


def test_a_retry_that_is_refused_everywhere_still_tells_that_an_earlier_copy_may_have_arrived(
    harness: Harness,
) -> None:
    email_id = of_unknown_outcome(harness)
    for provider in PROVIDERS:
        harness.send.plan(provider, *[REFUSED] * 4)
    again(harness, email_id, ALLOWED)
    harness.work()
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause) == (Status.FAILED, Cause.UNKNOWN)
    assert "2 calls" in recipient.detail


def test_where_a_second_copy_is_forbidden_nothing_allows_it(harness: Harness) -> None:
    email_id = of_unknown_outcome(harness, on_uncertain=OnUncertain.FAIL)
    assert "on_uncertain: fail forbids a second copy" in refused(harness, email_id, ALLOWED)


def test_an_email_with_a_virus_is_not_retried(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.work()
    harness.report(harness.event(email_id, Kind.VIRUS))
    assert harness.only(email_id).status is Status.FAILED
    assert "virus" in refused(harness, email_id)


def test_without_its_content_it_is_not_retried(harness: Harness) -> None:
    email_id = failed(harness)
    with ContentItem.batch_write() as batch:
        for item in ContentItem.query(email_id, ContentItem.part.startswith("content")):
            batch.delete(item)
    assert refused(harness, email_id) == "the stored content of this email is missing or damaged; send a new one"


def test_one_that_a_newer_email_has_replaced_is_not_retried(harness: Harness) -> None:
    ann, key = somebody("ann"), uuid4().hex
    email_id = failed(harness, ann, collapse_key=key)
    harness.take(an_email(ann, collapse_key=key))
    harness.work()
    assert refused(harness, email_id) == "a newer email with the same collapse key has replaced this one"
