"""One item that cannot be read, or one part of a sweep that fails, stops nothing else, and raises an alarm."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from pynamodb.exceptions import PutError

from app.delivery.ports import Cursor
from app.delivery.record import TOGETHER
from app.delivery.sweep import Sweep
from app.domain.attempts import Attempt
from app.domain.due import REPUBLISH_AFTER_MS
from app.domain.email import Role
from app.domain.event import ProviderEvent
from app.domain.head import Recipient, Status
from app.domain.health import Health
from app.domain.kinds import Kind
from app.domain.lane import Lane
from app.domain.listing import Wanted
from app.domain.shards import due_partition, shard_of
from app.domain.suppression import Bounce, Reason, Suppression
from app.errors import Contention, NotFound, ServiceUnavailable, Unreadable
from app.metrics import VIEWS
from app.store.events import EventItem
from app.store.head_items import PART, HeadItem
from app.store.health import HealthItem
from app.store.suppression_items import SuppressionItem
from tests.support.aws import Aws
from tests.support.crash import Before
from tests.support.harness import Harness
from tests.support.outcomes import UNAVAILABLE
from tests.support.samples import a_head, an_email, somebody

NUDGE_S = REPUBLISH_AFTER_MS / 1000


def rewrite(email_id: str, **changes: Any) -> None:
    """Change attributes of a stored head, as another version might have written them."""
    item = HeadItem.get(email_id, PART, consistent_read=True)
    for name, value in changes.items():
        setattr(item, name, value)
    item.save()


def with_word(email_id: str, field: str, word: str) -> None:
    """Let each recipient of the stored head have a word that this version does not know."""
    recipients = HeadItem.get(email_id, PART, consistent_read=True).recipients
    rewrite(email_id, recipients={key: recipient | {field: word} for key, recipient in recipients.items()})


def damage(email_id: str, **attributes: Mapping[str, Any] | None) -> None:
    """Replace attributes of the stored head by what no version writes. None: remove it."""
    client: Any = HeadItem._get_connection().connection.client
    key = {"email_id": {"S": email_id}, "part": {"S": PART}}
    raw = client.get_item(TableName=HeadItem.Meta.table_name, Key=key, ConsistentRead=True)["Item"]
    item = {name: value for name, value in {**raw, **attributes}.items() if value is not None}
    client.put_item(TableName=HeadItem.Meta.table_name, Item=item)


DAMAGES: Mapping[str, Callable[[str], None]] = {
    "a status": lambda email_id: with_word(email_id, "status", "hibernating"),
    "a role": lambda email_id: with_word(email_id, "role", "fcc"),
    "a policy": lambda email_id: rewrite(email_id, on_uncertain="ask"),
    "a stop": lambda email_id: rewrite(email_id, stopped="frozen"),
    "recipients of another form": lambda email_id: rewrite(email_id, recipients=["ann@example.net"]),
    "attempts of another form": lambda email_id: rewrite(email_id, attempts=[{}]),
    "no subject": lambda email_id: damage(email_id, subject=None),
    "no sender": lambda email_id: damage(email_id, sender=None),
    "an end that is no date": lambda email_id: damage(email_id, expires_at={"N": "1e30"}),
    "a time to live that is no date": lambda email_id: damage(email_id, ttl={"N": "1" + "0" * 30}),
    "recipients that are too deep": lambda email_id: damage(email_id, recipients={"S": "[" * 100_000}),
}


@pytest.fixture(params=DAMAGES)
def unreadable(harness: Harness, request: pytest.FixtureRequest) -> str:
    """An email that is due and that this version cannot read."""
    email_id = harness.take(an_email())
    harness.queue.published()
    DAMAGES[request.param](email_id)
    return email_id


def neighbours(harness: Harness, email_id: str) -> set[str]:
    """Three emails of the same shard that are due."""
    found: set[str] = set()
    while len(found) < 3:
        head = a_head(harness.clock.now_ms)
        if shard_of(head.email_id) == shard_of(email_id):
            assert harness.heads.create(head, harness.clock.now_ms)
            found.add(head.email_id)
    harness.taken |= found
    return found


def swept(harness: Harness, sweep: Sweep) -> set[str]:
    """The emails that one sweep publishes."""
    sweep(within_s=60)
    return {email_id for email_id, _ in harness.published()}


def test_the_others_of_its_shard_are_swept(harness: Harness, unreadable: str, caplog: pytest.LogCaptureFixture) -> None:
    others = neighbours(harness, unreadable)
    harness.clock.advance(NUDGE_S)
    caplog.clear()
    assert swept(harness, harness.sweep) == others
    alarms = [
        vars(record)["email_id"]
        for record in caplog.records
        if any(view.name == "ItemsPassedOver" for view in VIEWS.get((record.name, record.getMessage()), ()))
    ]
    assert unreadable in alarms


def test_lists_leave_it_out(harness: Harness, unreadable: str) -> None:
    other = harness.take(an_email())
    found = [head.email_id for head in harness.read.page(Wanted(), None, 100).heads]
    assert other in found
    assert unreadable not in found


def test_the_others_of_its_webhook_are_recorded(harness: Harness) -> None:
    """More come in one webhook than are read at once. The answer makes the provider send it again."""
    ann = somebody("ann").key
    attempt = Attempt(1, "sendgrid", (ann,), harness.clock.now_ms, Kind.ACCEPTED, message_id="sg-1")
    sent_to = {ann: Recipient(ann, Role.TO, Status.SENT, attempt=1)}
    heads = [
        a_head(harness.clock.now_ms, recipients=sent_to, attempts=(attempt,), next_attempt=2)
        for _ in range(TOGETHER + 10)
    ]
    for head in heads:
        assert harness.heads.create(head, harness.clock.now_ms)
    bad = heads.pop(5)
    DAMAGES["a policy"](bad.email_id)
    events = [
        ProviderEvent("sendgrid", Kind.DELIVERED, head.email_id, 1, ann, harness.clock.now_ms)
        for head in (*heads[:5], bad, *heads[5:])
    ]
    for _ in range(2):
        with pytest.raises(Unreadable):
            harness.report(*events)
        assert {harness.only(head.email_id).status for head in heads} == {Status.DELIVERED}


def test_whoever_asks_for_it_hears_that_it_is_kept(harness: Harness, unreadable: str) -> None:
    asks: list[Callable[[str], object]] = [
        lambda email_id: harness.read.story(email_id, None),
        lambda email_id: harness.cancel(email_id, None),
        lambda email_id: harness.attempt(email_id, 1),
    ]
    for ask in asks:
        with pytest.raises(Unreadable, match="another version"):
            ask(unreadable)
    assert harness.send.calls == []


def test_another_project_does_not_learn_that_there_is_one(harness: Harness, unreadable: str) -> None:
    asks: list[Callable[[str], object]] = [
        lambda project: harness.read.story(unreadable, project),
        lambda project: harness.cancel(unreadable, project),
    ]
    for ask in asks:
        with pytest.raises(Unreadable):
            ask("team")
        with pytest.raises(NotFound, match="no such email"):
            ask("another")


def test_a_cause_that_is_not_known_is_left_out(harness: Harness) -> None:
    email_id = harness.take(an_email())
    with_word(email_id, "cause", "weather")
    assert harness.work() == [(email_id, 1)]
    assert (harness.only(email_id).status, harness.only(email_id).cause) == (Status.SENT, None)


def test_an_event_of_a_kind_that_is_not_known_is_shown_as_unknown(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.work()
    harness.report(harness.event(email_id, Kind.DELIVERED))
    (item,) = EventItem.query(email_id, EventItem.part.startswith("event#"), consistent_read=True)
    item.kind, item.cause = "read_aloud", "weather"
    item.save()
    (event,) = harness.read.story(email_id, None).events
    assert (event.kind, event.cause) == (Kind.UNKNOWN, None)


def test_a_suppression_for_a_reason_that_is_not_known_holds_until_an_operator_lifts_it(harness: Harness) -> None:
    (ann,) = (somebody("ann"),)
    now_ms = harness.clock.now_ms
    harness.suppressions.put(Suppression(ann.key, Reason.COMPLAINED, "ses", now_ms, now_ms + 10**9))
    harness.suppressions.put(Bounce(ann.key, "ses", now_ms, now_ms))
    (item,) = [item for item in SuppressionItem.scan() if item.address == ann.key]
    item.suppressions = {"moon_phase": item.suppressions[Reason.COMPLAINED.value]}
    item.bounces = item.bounces | {"phase": 3}
    item.save()
    assert harness.suppressions.among([ann.key], now_ms, "shop")[ann.key].reason is Reason.MANUAL


def test_health_with_a_field_that_is_not_known_is_read(harness: Harness) -> None:
    assert harness.healths.update(replace(Health("ses"), weight=70))
    item = HealthItem.get("ses", "health", consistent_read=True)
    item.state = item.state | {"mood": "sunny"}
    item.save()
    assert harness.healths.get("ses").weight == 70
    assert harness.healths.get_many(["ses"])["ses"].weight == 70


class ThrottledShards:
    """The heads, of which some partitions of the index are throttled."""

    def __init__(self, harness: Harness, partitions: set[str]) -> None:
        self._harness, self._partitions = harness, partitions

    def due(
        self, partition: str, now_ms: int, limit: int, after: Cursor | None = None
    ) -> tuple[list[str], Cursor | None]:
        if partition in self._partitions:
            raise ServiceUnavailable("throttled")
        return self._harness.heads.due(partition, now_ms, limit, after)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._harness.heads, name)


def due_in_two_shards(harness: Harness) -> tuple[str, str]:
    first = second = harness.take(an_email())
    while shard_of(second) == shard_of(first):
        second = harness.take(an_email())
    harness.queue.published()
    harness.clock.advance(NUDGE_S)
    return first, second


def throttled(*_: Any) -> Any:
    raise ServiceUnavailable("throttled")


def failed_parts(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    found = [vars(record) for record in caplog.records if record.getMessage() == "part of a sweep failed"]
    return [(fields["part"], fields["reason"]) for fields in found]


def test_a_shard_that_fails_stops_no_other(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    first, second = due_in_two_shards(harness)
    found = swept(harness, replace(harness.sweep, heads=ThrottledShards(harness, {str(shard_of(first))})))
    assert second in found
    assert first not in found
    assert failed_parts(caplog) == [(f"shard {shard_of(first)}", "throttled")]


def test_if_every_shard_fails_the_sweep_fails(harness: Harness) -> None:
    every = {due_partition(shard, lane) for shard in harness.sweep.shards for lane in Lane}
    with pytest.raises(ServiceUnavailable):
        replace(harness.sweep, heads=ThrottledShards(harness, every))(within_s=60)


@pytest.mark.parametrize("name", ["get", "put"])
def test_cursors_that_cannot_be_read_or_written_stop_no_sweep(
    harness: Harness, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = due_in_two_shards(harness)
    harness.cursors.put({"15": {}})  # so that they are replaced
    cursors: Any = Before(harness.cursors, name, throttled)
    assert {first, second} <= swept(harness, replace(harness.sweep, cursors=cursors))
    assert failed_parts(caplog) == [("cursors", "throttled")]


@pytest.mark.parametrize("name", ["watchdog", "wake"])
def test_what_comes_after_the_emails_may_fail(harness: Harness, name: str, caplog: pytest.LogCaptureFixture) -> None:
    first, second = due_in_two_shards(harness)
    called: list[str] = []
    parts: dict[str, Any] = {"watchdog": lambda: called.append("watchdog"), "wake": lambda _: called.append("wake")}
    parts[name] = throttled
    assert {first, second} <= swept(harness, replace(harness.sweep, **parts))
    assert called == [part for part in ("watchdog", "wake") if part != name]
    assert failed_parts(caplog) == [(name, "throttled")]


def unanswered(_: float) -> None:
    raise PutError("failed", ReadTimeoutError(endpoint_url="https://dynamodb.example"))


def mistaken(_: float) -> None:
    raise KeyError("a mistake")


@pytest.mark.parametrize(
    ("job", "reason", "has_trace"), [(unanswered, "PutError: ReadTimeoutError", False), (mistaken, "KeyError", True)]
)
def test_what_is_done_beside_emails_is_told_in_a_sentence_if_its_table_is_silent(
    harness: Harness,
    caplog: pytest.LogCaptureFixture,
    job: Callable[[float], None],
    reason: str,
    has_trace: bool,
) -> None:
    replace(harness.sweep, others={"count": job})(within_s=60)
    assert failed_parts(caplog) == [("count", reason)]
    [record] = [record for record in caplog.records if record.getMessage() == "part of a sweep failed"]
    assert bool(record.exc_info) is has_trace


def test_a_cursor_ahead_of_the_clock_is_dropped(harness: Harness) -> None:
    """The clock was set back, or the machine restored from an image: nobody must wait until it has caught up."""
    first, second = due_in_two_shards(harness)
    ahead = {"email_id": {"S": "eml_z"}, "part": {"S": PART}, "due_at": {"N": str(harness.clock.now_ms + 3_600_000)}}
    harness.cursors.put({str(shard): ahead | {"due_shard": {"S": str(shard)}} for shard in harness.sweep.shards})
    assert {first, second} <= swept(harness, harness.sweep)
    assert harness.cursors.get() == {}


@pytest.mark.parametrize("cursor", [{}, {"due_at": {"S": "soon"}}, {"due_at": 5}])
def test_a_cursor_of_another_version_is_dropped(harness: Harness, cursor: dict[str, Any]) -> None:
    first, second = due_in_two_shards(harness)
    harness.cursors.put(dict.fromkeys(map(str, harness.sweep.shards), cursor))
    assert {first, second} <= swept(harness, harness.sweep)


@pytest.mark.parametrize("fault", [Contention("lost"), ServiceUnavailable("throttled")])
def test_an_email_that_cannot_be_woken_stops_no_other_and_is_woken_by_the_next_sweep(
    store: Aws, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    harness = Harness(store, providers=("sendgrid",))
    harness.send.plan("sendgrid", UNAVAILABLE)
    emails = {harness.take(an_email()) for _ in range(4)}
    harness.work()
    waits = {email_id: harness.only(email_id).wait_until_ms for email_id in emails}
    harness.resume("sendgrid")
    harness.clock.advance(5)

    def failing(*_: Any) -> None:
        raise fault

    with caplog.at_level(logging.WARNING):
        replace(harness.sweep.wake, heads=Before(harness.heads, "update", failing))(30)  # type: ignore[type-var] # because the sweep knows it as a function
    left = {email_id for email_id in emails if harness.only(email_id).wait_until_ms == waits[email_id]}
    (record,) = [record for record in caplog.records if record.getMessage() == "not woken, the next sweep will"]
    assert left >= {vars(record)["email_id"]}
    assert harness.healths.get("sendgrid").resumed_at_ms is not None
    harness.sweep.wake(30)
    assert harness.healths.get("sendgrid").resumed_at_ms is None
