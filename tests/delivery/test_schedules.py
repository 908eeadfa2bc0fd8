"""`send_at`: nothing is sent before it, and everything that could be asked of an email holds from then on."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from app.delivery.drafts import Accepted, Requested
from app.delivery.keep import OUTLIVES_KEY_S
from app.domain.due import due_at_ms
from app.domain.email import Email
from app.domain.head import Status
from app.domain.kinds import Cause, Kind
from app.domain.lifetime import KEPT_FOR_S, LIFETIME_S
from app.domain.suppression import Reason, Suppression
from app.errors import Conflict, Invalid, NotFound, ServiceUnavailable
from app.store.collapses import CollapseItem
from app.store.content import ContentItem
from app.store.entries import EntryItem, by_recipient
from app.store.idempotency import KeyItem
from tests.support.harness import PROVIDERS, Harness
from tests.support.outcomes import REFUSED, UNAVAILABLE
from tests.support.samples import an_email, somebody

HOUR_S = 3600
DAY_S = 24 * HOUR_S
RETRY_FOR_S = 14_400


def later(harness: Harness, seconds: float = HOUR_S, **fields: object) -> Email:
    """An email that is to be sent that much later."""
    to = fields.pop("to", None) or somebody()
    return an_email(to, send_at_ms=harness.clock.now_ms + int(seconds * 1000), **fields)  # type: ignore[arg-type] # because it is a mailbox


def sent(harness: Harness, email_id: str) -> int:
    """How often the email was sent."""
    return sum(message.email_id == email_id for _, message in harness.send.calls)


def kept_s(harness: Harness, email_id: str, key: str = "") -> set[float]:
    """Until when everything that belongs to the email is kept, but for its head; a day longer for its key."""
    head = harness.head(email_id)
    items: list[Any] = [
        *ContentItem.query(email_id, ContentItem.part.startswith("content")),
        *(entry for who in head.recipients for entry in EntryItem.query(by_recipient("team", who))),
    ]
    found = {item.ttl.timestamp() for item in items}
    if key:
        found.add(KeyItem.get(f"key#{head.key_hash}", "key").ttl.timestamp() + OUTLIVES_KEY_S)
    return found


def test_it_is_stored_as_scheduled_and_not_published(harness: Harness) -> None:
    email_id = harness.take(later(harness))
    assert harness.only(email_id).status is Status.SCHEDULED
    assert harness.published() == []
    assert due_at_ms(harness.head(email_id), harness.clock.now_ms) == harness.clock.now_ms + HOUR_S * 1000


@pytest.mark.parametrize("early_s", [0.001, 1, HOUR_S])
def test_a_message_that_comes_before_its_time_makes_no_call(harness: Harness, early_s: float) -> None:
    """SNS may deliver what an operator published, or what was published before the email was moved."""
    email_id = harness.take(later(harness))
    before = harness.head(email_id)
    harness.clock.advance(HOUR_S - early_s)
    for _ in range(3):
        harness.attempt(email_id, 1)
    harness.sweep(within_s=60)
    assert harness.work() == []
    assert harness.send.calls == []
    assert harness.head(email_id) == before


def test_the_sweep_starts_it_at_its_time_and_it_is_sent_once(harness: Harness) -> None:
    email_id = harness.take(later(harness))
    harness.later(HOUR_S)
    harness.attempt(email_id, 1)  # the message comes again
    harness.later(60)
    assert sent(harness, email_id) == 1
    assert harness.only(email_id).status is Status.SENT


@pytest.mark.parametrize("ago_s", [0, 1, 400 * DAY_S])
def test_a_time_that_is_over_means_at_once(harness: Harness, ago_s: float) -> None:
    email_id = harness.take(later(harness, -ago_s))
    head = harness.head(email_id)
    assert (head.lives_from_ms, head.expires_at_ms) == (head.created_at_ms, head.created_at_ms + LIFETIME_S * 1000)
    harness.work()
    assert harness.only(email_id).status is Status.SENT


def test_its_lifetime_begins_at_send_at_and_so_does_the_time_for_which_all_of_it_is_kept(harness: Harness) -> None:
    send_at_ms = harness.clock.now_ms + 20 * DAY_S * 1000
    email_id = harness.take(later(harness, 20 * DAY_S), key := uuid4().hex)
    head = harness.head(email_id)
    assert head.expires_at_ms == send_at_ms + LIFETIME_S * 1000
    assert head.retry_until_ms == send_at_ms + RETRY_FOR_S * 1000
    assert head.ttl_s == send_at_ms // 1000 + LIFETIME_S + KEPT_FOR_S
    assert kept_s(harness, email_id, key) == {head.ttl_s}


def test_what_would_have_expired_by_then_is_refused(harness: Harness) -> None:
    for expires_ms in (1, 0, -1000):
        send_at_ms = harness.clock.now_ms + 5000
        email = an_email(send_at_ms=send_at_ms, expires_at_ms=send_at_ms + expires_ms)
        if expires_ms > 0:
            harness.take(email)
            continue
        with pytest.raises(Invalid, match="expires_at: must be later than send_at"):
            harness.take(email)


def test_the_rounds_are_counted_from_send_at(harness: Harness) -> None:
    for provider in PROVIDERS:
        harness.send.plan(provider, *[UNAVAILABLE] * 30)
    email_id = harness.take(later(harness, DAY_S))
    harness.later(DAY_S)
    assert harness.only(email_id).status is Status.QUEUED
    while harness.until_due(email_id):
        pass
    assert harness.only(email_id).status is Status.FAILED
    assert harness.clock.now_ms >= harness.head(email_id).retry_until_ms


def test_it_can_be_canceled_until_then(harness: Harness) -> None:
    email_id = harness.take(later(harness))
    for _ in range(2):
        assert harness.cancel(email_id, "team").stopped is not None
    assert harness.only(email_id).status is Status.CANCELED
    harness.later(HOUR_S)
    harness.attempt(email_id, 1)
    assert sent(harness, email_id) == 0


def test_who_is_suppressed_meanwhile_gets_nothing_and_who_is_lifted_does(harness: Harness) -> None:
    ann, bob = somebody("ann"), somebody("bob")

    def suppress(address: str) -> None:
        now_ms = harness.clock.now_ms
        harness.suppressions.put(Suppression(address, Reason.MANUAL, "by hand", now_ms, now_ms + 10**10))

    suppress(bob.key)
    to_ann, to_bob = harness.take(later(harness, to=ann)), harness.take(later(harness, to=bob))
    assert harness.only(to_bob).status is Status.SCHEDULED
    suppress(ann.key)
    harness.lift(bob.key)
    harness.later(HOUR_S)
    assert harness.only(to_ann).status is Status.SUPPRESSED
    assert harness.only(to_bob).status is Status.SENT
    override = harness.take(later(harness, to=ann, override_suppression=True))
    harness.later(HOUR_S)
    assert harness.only(override).status is Status.SENT


def test_a_pause_that_is_there_by_then_is_waited_for(harness: Harness) -> None:
    email_id = harness.take(later(harness, providers=("ses",)))
    run = harness.another_monitor()
    run.update("ses", lambda health: type(health)("ses", paused=True))
    harness.clock.advance(10)
    harness.later(HOUR_S)
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause) == (Status.QUEUED, Cause.LIMIT)
    harness.resume("ses")
    harness.later(300)
    assert harness.only(email_id).status is Status.SENT


@pytest.mark.parametrize("newer_waits", [True, False])
@pytest.mark.parametrize("is_lost", [True, False])
def test_a_newer_email_of_its_collapse_key_replaces_it_for_good(
    harness: Harness, *, newer_waits: bool, is_lost: bool
) -> None:
    """Also if the message that ends it is lost: then it ends at its time."""
    ann, key = somebody("ann"), uuid4().hex
    old = harness.take(later(harness, 29 * DAY_S, to=ann, collapse_key=key))
    new = harness.take(later(harness, HOUR_S if newer_waits else -1, to=ann, collapse_key=key))
    if is_lost:
        harness.published()
        harness.attempt(new, 1)
        assert harness.only(old).status is Status.SCHEDULED
        with pytest.raises(Conflict, match="replaced"):
            harness.reschedule(old, "team", harness.clock.now_ms)
    else:
        harness.work()
        assert harness.only(old).status is Status.CANCELED
    harness.later(HOUR_S)
    harness.later(29 * DAY_S)
    assert (sent(harness, old), sent(harness, new)) == (0, 1)
    assert (harness.only(old).status, harness.only(old).detail) == (Status.CANCELED, "superseded by a newer email")
    item = CollapseItem.get(f"collapse#{harness.head(old).collapse_scope}", "newest")
    assert item.ttl.timestamp() > harness.head(old).ttl_s - LIFETIME_S - KEPT_FOR_S


def test_within_one_batch_the_last_of_a_collapse_key_replaces_those_that_wait_at_once(harness: Harness) -> None:
    key, waits = uuid4().hex, [HOUR_S, 2 * HOUR_S, DAY_S]
    ann, other = somebody("ann"), later(harness, collapse_key=uuid4().hex)
    emails = [later(harness, seconds, to=ann, collapse_key=key) for seconds in waits]
    answers = harness.accept.together([Requested(email) for email in (*emails, other)], project="team")
    ids = [answer.head.email_id for answer in answers if isinstance(answer, Accepted)]
    harness.taken.update(ids)
    harness.work()
    assert [harness.only(email_id).status for email_id in ids] == [Status.CANCELED] * 2 + [Status.SCHEDULED] * 2
    assert harness.only(ids[0]).detail == "superseded by a newer email"


def test_a_bounce_of_it_counts_from_when_it_was_sent_and_not_from_when_it_was_accepted(harness: Harness) -> None:
    """A second bounce of an email that was sent after the first one suppresses for long."""
    ann = somebody("ann")
    scheduled = harness.take(later(harness, 5 * DAY_S, to=ann))
    first = harness.take(an_email(ann))
    harness.work()
    harness.report(harness.event(first, Kind.HARD_BOUNCE))
    harness.later(5 * DAY_S)
    harness.report(harness.event(scheduled, Kind.HARD_BOUNCE))
    suppression = harness.suppression(ann.key)
    assert suppression is not None
    assert suppression.until_ms > harness.clock.now_ms + 100 * DAY_S * 1000


# Moving it


@pytest.mark.parametrize("to_s", [60, 10 * DAY_S])
def test_it_is_sent_at_the_time_to_which_it_was_moved(harness: Harness, to_s: float) -> None:
    email_id = harness.take(later(harness), key := uuid4().hex)
    at_ms = harness.clock.now_ms + int(to_s * 1000)
    for _ in range(2):
        head = harness.reschedule(email_id, "team", at_ms)
        assert (head.send_at_ms, harness.only(email_id).status) == (at_ms, Status.SCHEDULED)
    assert head.expires_at_ms == at_ms + LIFETIME_S * 1000
    assert head.retry_until_ms == at_ms + RETRY_FOR_S * 1000
    assert kept_s(harness, email_id, key) == {head.ttl_s}
    assert head.ttl_s >= at_ms // 1000 + LIFETIME_S + KEPT_FOR_S
    harness.later(to_s - 1)
    assert sent(harness, email_id) == 0
    harness.later(1)
    harness.later(HOUR_S)
    assert sent(harness, email_id) == 1


def test_moved_to_a_time_that_is_over_it_is_sent_now_and_to_ask_again_is_no_error(harness: Harness) -> None:
    email_id = harness.take(later(harness))
    at_ms = harness.clock.now_ms - 5000
    harness.clock.advance(60)
    head = harness.reschedule(email_id, "team", at_ms)
    assert head.expires_at_ms == harness.clock.now_ms + LIFETIME_S * 1000
    harness.work()
    assert harness.only(email_id).status is Status.SENT
    assert harness.reschedule(email_id, "team", at_ms) == harness.head(email_id)
    assert sent(harness, email_id) == 1


def test_an_expiry_that_the_client_gave_stays(harness: Harness) -> None:
    expires_at_ms = harness.clock.now_ms + 2 * HOUR_S * 1000
    email_id = harness.take(later(harness, expires_at_ms=expires_at_ms))
    with pytest.raises(Invalid, match="send_at: must be before expires_at"):
        harness.reschedule(email_id, "team", expires_at_ms)
    assert harness.reschedule(email_id, "team", expires_at_ms - 1).expires_at_ms == expires_at_ms


def test_it_is_moved_within_thirty_days_only(harness: Harness) -> None:
    email_id = harness.take(later(harness))
    with pytest.raises(Invalid, match="send_at: must be within 30 days"):
        harness.reschedule(email_id, "team", harness.clock.now_ms + 30 * DAY_S * 1000 + 1)
    assert harness.reschedule(email_id, "team", harness.clock.now_ms + 30 * DAY_S * 1000)


def test_nobody_moves_an_email_of_another_project_or_of_nobody(harness: Harness) -> None:
    email_id = harness.take(later(harness))
    for wrong, project in ((email_id, "others"), ("eml_nobody", "team")):
        with pytest.raises(NotFound):
            harness.reschedule(wrong, project, harness.clock.now_ms)
    assert harness.only(email_id).status is Status.SCHEDULED


def refused(harness: Harness, email_id: str) -> str:
    before = harness.head(email_id)
    with pytest.raises(Conflict) as refusal:
        harness.reschedule(email_id, "team", harness.clock.now_ms + 1)
    assert harness.head(email_id) == before
    return refusal.value.detail


def test_what_is_not_scheduled_any_more_is_not_moved_and_told_why(harness: Harness) -> None:
    at_once, canceled, started = harness.take(an_email()), harness.take(later(harness)), harness.take(later(harness))
    assert refused(harness, at_once) == "this email had no send_at and is queued: it was sent at once"
    harness.cancel(canceled, "team")
    assert refused(harness, canceled) == "this email was canceled; send a new one"
    harness.later(HOUR_S)
    assert refused(harness, started) == "too late: this email has been started, and is sent"


def test_if_not_all_of_it_can_be_kept_for_longer_it_is_not_moved(harness: Harness) -> None:
    class Full:
        def keep(self, *_: object) -> None:
            raise ServiceUnavailable("full")

        def __getattr__(self, name: str) -> object:
            return getattr(harness.contents, name)

    email_id = harness.take(later(harness))
    before = harness.head(email_id)
    harness.build(contents=Full())
    with pytest.raises(ServiceUnavailable):
        harness.reschedule(email_id, "team", harness.clock.now_ms + 9 * DAY_S * 1000)
    assert harness.head(email_id) == before
    sooner_ms = harness.clock.now_ms + 60_000
    assert harness.reschedule(email_id, "team", sooner_ms).send_at_ms == sooner_ms  # nothing is to be kept for longer


@pytest.mark.parametrize("turn", range(8))
@pytest.mark.parametrize("moves_to_s", [-1.0, 7200.0])
def test_a_move_that_races_with_the_start_leads_to_one_send(harness: Harness, moves_to_s: float, turn: int) -> None:
    """At the old time or at the new one: never at both, never at neither."""
    email_id = harness.take(later(harness))
    harness.clock.advance(HOUR_S)
    at_ms = harness.clock.now_ms + int(moves_to_s * 1000)
    barrier = Barrier(4)

    def move() -> bool:
        barrier.wait(60)
        try:
            return harness.reschedule(email_id, "team", at_ms).send_at_ms == at_ms
        except Conflict:
            return False

    def start() -> None:
        barrier.wait(60)
        harness.attempt(email_id, 1)

    calls: list[Callable[[], object]] = [start, move, start, start]
    calls = calls[turn % 4 :] + calls[: turn % 4]
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(call) for call in calls]
    is_moved = running[calls.index(move)].result()
    if is_moved and moves_to_s > 0:
        assert sent(harness, email_id) == 0
        assert harness.only(email_id).status is Status.SCHEDULED
    for _ in range(4):
        harness.later(1800)
        harness.later(1800)
    assert sent(harness, email_id) == 1
    assert harness.only(email_id).status is Status.SENT


def test_a_scheduled_email_fails_over_as_any_other(harness: Harness) -> None:
    harness.send.plan("sendgrid", REFUSED)
    email_id = harness.take(later(harness))
    harness.later(HOUR_S)
    assert [attempt.provider for attempt in harness.head(email_id).attempts] == ["sendgrid", "mailgun"]
