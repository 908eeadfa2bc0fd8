"""Test mail is apart from real mail: none of it is counted, suppressed, capped or measured; and no crash loses it."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from app.delivery.attribution import LOOKED_AT
from app.domain.caps import Caps
from app.domain.dispatch import Dispatch
from app.domain.due import due_at_ms
from app.domain.email import Mailbox
from app.domain.event import Webhook
from app.domain.head import Head, Status
from app.domain.health import pause
from app.domain.kinds import Kind
from app.domain.lane import Lane
from app.domain.listing import Wanted
from app.domain.project import of_test_keys
from app.domain.route import Routing
from app.domain.sandbox import DELIVERED_LATE_MS, REPORTS
from app.domain.sandbox_accounts import ACCOUNTS
from app.domain.suppression import LASTS_MS, Reason, Suppression
from app.errors import NotFound, ServiceUnavailable, Unauthenticated
from app.store.health import SumsItem
from app.store.places import PlaceItem
from app.store.suppression_items import SuppressionItem
from tests.support.aws import Aws
from tests.support.crash import Crash, crash
from tests.support.harness import LEASE_S, PROVIDERS, Harness
from tests.support.samples import an_email
from tests.support.size import FULL

TEAM = of_test_keys("team")
FIRST, SECOND = ACCOUNTS
EVERYBODY = tuple(Mailbox(f"{local}@any.example") for local in REPORTS)
BECOMES = {
    "delivered": Status.DELIVERED,
    "bounced": Status.BOUNCED,
    "blocked": Status.FAILED,
    "complained": Status.COMPLAINED,
    "suppressed": Status.SUPPRESSED,
    "delayed": Status.DELIVERED,
    "silent": Status.SENT,
    "failover": Status.DELIVERED,
}
TOLD = {
    ("delivered", Kind.DELIVERED),
    ("bounced", Kind.HARD_BOUNCE),
    ("blocked", Kind.BLOCKED),
    ("complained", Kind.DELIVERED),
    ("complained", Kind.COMPLAINED),
    ("delayed", Kind.DELAYED),
    ("delayed", Kind.DELIVERED),
    ("failover", Kind.DELIVERED),
}


def take(harness: Harness, *to: Mailbox, **options: Any) -> str:
    email_id = harness.accept(replace(an_email(), to=to, **options), project=TEAM, key=None).head.email_id
    harness.taken.add(email_id)
    return email_id


def statuses(head: Head) -> dict[str, Status]:
    return {key.partition("@")[0]: recipient.status for key, recipient in head.recipients.items()}


def told(harness: Harness, email_id: str) -> set[tuple[str, Kind]]:
    return {(event.recipient.partition("@")[0], event.kind) for event in harness.events.of(email_id)}


def kept(*models: Any) -> list[dict[str, Any]]:
    """Everything in these tables, and nothing of the heads."""
    return [item.to_simple_dict() for model in models for item in model.scan(consistent_read=True)]


WATCHED = (SumsItem, PlaceItem, SuppressionItem)


@pytest.mark.parametrize("local", REPORTS)
def test_nothing_of_it_is_counted_or_suppressed(store: Aws, local: str) -> None:
    """Health, weights, breakers, reports, recent calls, places and suppressions are as they were."""
    harness = Harness(store, routing=Routing(PROVIDERS, caps=dict.fromkeys(PROVIDERS, Caps(daily=1, per_second=1))))
    harness.take(an_email())
    harness.work()
    harness.monitor.flush(now=True)
    before, healths = kept(*WATCHED), harness.monitor.healths()
    for _ in range(7):  # five outages in a row would open a breaker
        take(harness, Mailbox(f"{local}@any.example"))
    harness.work()
    harness.clock.advance(DELIVERED_LATE_MS / 1000)
    harness.work()
    harness.monitor.flush(now=True)
    assert kept(*WATCHED) == before
    assert harness.monitor.healths() == healths
    assert harness.send.providers() == ["sendgrid"]
    assert harness.suppression(f"{local}@any.example") is None
    assert harness.suppression(f"{local}@any.example", TEAM) is None


def test_a_forged_report_that_names_a_test_email_counts_for_nobody(harness: Harness) -> None:
    """Of a real email it would count as a fault of ours, by which no provider is called silent."""
    email_id = take(harness, Mailbox("silent@any.example"))
    harness.work()
    before = kept(*WATCHED)
    with pytest.raises(Unauthenticated):
        harness.record("sendgrid", Webhook(f'[{{"em_email_id": "{email_id}"}}]'.encode(), {}))
    harness.monitor.flush(now=True)
    assert kept(*WATCHED) == before


def test_much_test_mail_to_an_address_hides_no_real_email_to_it(harness: Harness) -> None:
    """A report that has lost our ids is attributed to one of the newest emails to its address: of the real ones."""
    address = Mailbox("silent@attributed.example")
    email_id = harness.accept(replace(an_email(), to=(address,)), project="team", key=None).head.email_id
    harness.taken.add(email_id)
    harness.work()
    lost = replace(harness.event(email_id, Kind.DELIVERED), email_id="", attempt=0)
    harness.clock.advance(1)
    for _ in range(LOOKED_AT + 1):
        take(harness, address)
    harness.report(lost)
    assert harness.only(email_id).status is Status.DELIVERED


def test_our_list_is_not_asked(harness: Harness) -> None:
    now_ms = harness.clock.now_ms
    until_ms = now_ms + LASTS_MS[Reason.MANUAL]
    for project in ("", TEAM):
        harness.suppressions.put(
            Suppression("delivered@any.example", Reason.MANUAL, "a note", now_ms, until_ms, project)
        )
    email_id = take(harness, Mailbox("delivered@any.example"))
    harness.work()
    assert statuses(harness.head(email_id)) == {"delivered": Status.DELIVERED}
    for project in ("", TEAM):
        harness.suppressions.lift("delivered@any.example", now_ms, project)


def test_paused_and_full_accounts_hold_no_test_mail_up(store: Aws) -> None:
    harness = Harness(store, routing=Routing(PROVIDERS, caps=dict.fromkeys(PROVIDERS, Caps(daily=0))))
    for name in PROVIDERS:
        harness.another_monitor().update(name, pause)
    email_id = take(harness, *EVERYBODY)
    harness.work()
    harness.clock.advance(DELIVERED_LATE_MS / 1000)
    harness.work()
    assert statuses(harness.head(email_id)) == BECOMES


@pytest.mark.parametrize("providers", [("resend",), ("mailgun", "ses")])
def test_other_providers_after_it_was_accepted_change_nothing(
    harness: Harness, store: Aws, providers: tuple[str, ...]
) -> None:
    """Whatever is configured, and however its first attempts ended, it goes through the sandbox."""
    email_id = take(harness, Mailbox("failover@any.example"), providers=(FIRST,))
    harness.work()
    other = Harness(store, providers=providers)
    other.clock, other.taken = harness.clock, harness.taken
    other.build()
    while other.until_due(email_id):
        pass
    assert {attempt.provider for attempt in other.head(email_id).attempts} == {FIRST}
    assert other.send.calls == harness.send.calls == []


def test_no_fault_of_a_route_lets_it_through_to_a_real_account(harness: Harness) -> None:
    test, real = harness.head(take(harness, *EVERYBODY)), harness.head(harness.take(an_email()))
    for head, account in ((test, "sendgrid"), (real, FIRST), (real, SECOND)):
        with pytest.raises(ValueError, match=f"may not go through {account}"):
            harness.protocol.claim(head, Dispatch(account, tuple(head.recipients)), 1, 0)
    with pytest.raises(RuntimeError, match="this process has no sandbox"):
        replace(harness.attempt, sandbox=type(harness.attempt).sandbox)(test.email_id, 1)


def test_listings_and_stories_are_apart_and_an_operator_sees_both(harness: Harness) -> None:
    real, test = harness.take(an_email()), take(harness, Mailbox("silent@any.example"))
    for wanted, expected in (
        (Wanted("team"), {real}),
        (Wanted(TEAM), {test}),
        (Wanted("team", with_tests=True), {real, test}),
        (Wanted(TEAM, recipient="silent@any.example"), {test}),
        (Wanted("team", recipient="silent@any.example"), set()),
        (Wanted(), {real, test}),
    ):
        harness.partitions.read()
        found = {head.email_id for head in harness.read.page(wanted, None, 100).heads}
        assert found & {real, test} == expected
    for email_id, project in ((real, TEAM), (test, "team")):
        with pytest.raises(NotFound):
            harness.read.story(email_id, project)
        with pytest.raises(NotFound):
            harness.cancel(email_id, project)
    assert harness.read.story(test, None).head.sandbox


def test_a_complaint_about_mail_that_is_gone_is_still_of_the_only_real_project(harness: Harness) -> None:
    harness.partitions.note("team")
    known = replace(harness.partitions.read(), projects=frozenset({"team", TEAM}))
    assert (known.real, known.only_project) == (["team"], "team")


class Countdown:
    """Wraps a store. The process dies right after the n-th of its writes, counted over all stores of one countdown."""

    def __init__(self, store: Any, left: list[int]) -> None:
        self._store, self._left = store, left

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in ("put", "update"):
            return method

        def call(*arguments: Any, **named: Any) -> Any:
            done = method(*arguments, **named)
            self._left[0] -= 1
            if self._left[0] == 0:
                raise Crash
            return done

        return call


def die_after(harness: Harness, writes: int, email_id: str) -> bool:
    """Work on the email in a process that dies after so many writes. False: it ended without dying."""
    left = [writes]
    dying = harness.another_process(heads=Countdown(harness.heads, left), events=Countdown(harness.events, left))
    try:
        while found := harness.published():
            for message in found:
                dying.attempt(*message)
    except Crash:
        return True
    return False


@pytest.mark.parametrize("step", [0] if FULL else [0, 1])
def test_a_process_that_dies_after_any_write_loses_no_report(harness: Harness, step: int) -> None:
    """What it did not tell is told by the next one, once: every recipient ends as it would have."""
    for writes in count(1 + step, 1 if FULL else 3):
        email_id = take(harness, *EVERYBODY)
        has_died = die_after(harness, writes, email_id)
        harness.published()  # what it had published is lost, too
        for _ in range(20):
            if due_at_ms(harness.head(email_id), harness.clock.now_ms) is None:
                break
            harness.later(LEASE_S)
        head = harness.head(email_id)
        assert (writes, statuses(head)) == (writes, BECOMES)
        assert (writes, told(harness, email_id)) == (writes, TOLD)
        assert (writes, len(harness.events.of(email_id))) == (writes, len(TOLD) + 1)  # blocked@ by both accounts
        if not has_died:
            assert writes > 6
            return


def test_a_process_that_dies_in_its_call_repeats_it(harness: Harness) -> None:
    """The sandbox knows the call by its key, so that nobody waits for evidence and there is one copy."""
    email_id = take(harness, Mailbox("delivered@any.example"))
    sandbox: Any = harness.attempt.sandbox
    dying = replace(sandbox, make=replace(sandbox.make.__self__, send=crash).make)
    with pytest.raises(Crash):
        replace(harness.attempt, sandbox=dying)(email_id, 1)
    harness.published()
    harness.later(LEASE_S)
    head = harness.head(email_id)
    assert [(one.provider, one.outcome, one.repeats) for one in head.attempts] == [
        (FIRST, Kind.UNCERTAIN, 0),
        (FIRST, Kind.ACCEPTED, 1),
    ]
    assert statuses(head) == {"delivered": Status.DELIVERED}
    assert told(harness, email_id) == {("delivered", Kind.DELIVERED)}


def test_a_queue_that_takes_nothing_is_made_up_for_by_the_sweep(harness: Harness) -> None:
    def refuse(email_id: str, attempt: int, at_ms: int, lane: Lane) -> None:
        raise ServiceUnavailable("no messages today")

    email_id = take(harness, Mailbox("delayed@any.example"))
    sandbox: Any = harness.attempt.sandbox
    refusing = replace(harness.attempt, publish_later=refuse)
    replace(harness.attempt, sandbox=replace(sandbox, publish_later=refusing.publish_in_time))(email_id, 1)
    harness.published()
    assert statuses(harness.head(email_id)) == {"delayed": Status.SENT}
    harness.later(DELIVERED_LATE_MS / 1000 + 10)
    assert statuses(harness.head(email_id)) == {"delayed": Status.DELIVERED}
