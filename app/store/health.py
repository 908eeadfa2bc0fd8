"""Stores the providers' health and the counts of their calls, which all processes share."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields, replace
from typing import Any, TypeVar, get_args

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.pagination import ResultIterator

from app.domain.calls import NO_CALLS, CallError, Calls
from app.domain.counts import Sums
from app.domain.health import Health
from app.domain.kinds import Cause, OutcomeKind
from app.errors import Unreadable
from app.store.batches import get_all
from app.store.failures import is_condition_failed
from app.store.item_values import as_written, by_model, read_each, read_item, time_ms
from app.store.raw_items import Raw, Stored
from app.store.ttl import as_ttl

PART = "health"
FIELDS = {field.name for field in fields(Health)}
SUMS_KEPT_FOR_S = 3 * 24 * 3600

T = TypeVar("T")


class HealthItem(Model):
    """One provider's health, written rarely and conditionally."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    provider = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True, default=PART)
    version = NumberAttribute()
    state = JSONAttribute()


class SumsItem(Model):
    """Counts of one provider, of one minute in one epoch of its health."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    provider = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    ttl = TTLAttribute(null=True)
    accepted = NumberAttribute(default=0)
    failed = NumberAttribute(default=0)
    slow = NumberAttribute(default=0)
    blocked = NumberAttribute(default=0)
    reported = NumberAttribute(default=0)
    our_faults = NumberAttribute(default=0)
    judged = BooleanAttribute(null=True)
    calls = NumberAttribute(default=0)
    failures = NumberAttribute(default=0)
    last_error = JSONAttribute(null=True)  # of these calls, as one of the processes that counted them wrote it


class Healths:
    """Stores health, which is read whole and written conditionally, and counts, which are added without a condition.

    An account whose health cannot be read counts as healthy, but for a pause that can be read: else one item would stop
    the emails of every account. The next change replaces the item.
    """

    def get(self, provider: str) -> Health:
        """A provider's health, by a strongly consistent read. A provider that was never written is healthy."""
        raw = HealthItem._get_connection().get_item(provider, PART, consistent_read=True).get("Item")
        return Health(provider) if raw is None else _read(raw)

    def get_many(self, providers: Iterable[str]) -> dict[str, Health]:
        """The health of several providers by name, by an eventually consistent read."""
        names = list(dict.fromkeys(providers))
        items = get_all(HealthItem, [{"provider": name, "part": PART} for name in names])
        found = {health.provider: health for health in map(_read, items)}
        return {name: found.get(name, Health(name)) for name in names}

    def update(self, health: Health) -> Health | None:
        """Replace the health that `health` was read from. Returns None if another writer did so first."""
        item = HealthItem(health.provider, PART, version=health.version + 1, state=_state(health))
        unchanged = HealthItem.version == health.version if health.version else HealthItem.version.does_not_exist()
        try:
            item.save(condition=unchanged)
        except PutError as error:
            if is_condition_failed(error):
                return None
            raise
        return replace(health, version=health.version + 1)

    def add_minute(
        self, provider: str, epoch: int, minute: int, sums: Sums, now_s: float, calls: Calls = NO_CALLS
    ) -> Sums:
        """Add to the counts of a minute (of the Unix epoch) in one epoch of the health, in one write.

        Returns the new sums.
        """
        item = SumsItem(provider, _minute_part(epoch, minute))
        counts = {**asdict(sums), "calls": calls.made, "failures": calls.failed}
        actions: list[Action] = [getattr(SumsItem, name).add(count) for name, count in counts.items() if count]
        if calls.last_error is not None:
            actions.append(SumsItem.last_error.set(_error_state(calls.last_error)))
        item.update(actions=[*actions, SumsItem.ttl.set(as_ttl(now_s + SUMS_KEPT_FOR_S))])
        return _to_sums(item)

    def mark_judged(self, provider: str, epoch: int, minute: int) -> bool:
        """Mark a minute whose counts exist as judged. Returns False if it was marked before."""
        item = SumsItem(provider, _minute_part(epoch, minute))
        unmarked = SumsItem.provider.exists() & SumsItem.judged.does_not_exist()
        try:
            item.update(actions=[SumsItem.judged.set(True)], condition=unmarked)
        except UpdateError as error:
            if is_condition_failed(error):
                return False
            raise
        return True

    def minutes(self, provider: str, epoch: int, first: int, last: int) -> Sums:
        """The counts from minute `first` to minute `last` (of the Unix epoch, both included) in one epoch, added up."""
        between = SumsItem.part.between(_minute_part(epoch, first), _minute_part(epoch, last))
        return sum((sums for _, sums in _counts(SumsItem.query(provider, between))), Sums())

    def calls(self, provider: str, epoch: int, first: int, last: int) -> Calls:
        """The calls of these minutes, both included, in one epoch, added up; by one read that may be late."""
        between = SumsItem.part.between(_minute_part(epoch, first), _minute_part(epoch, last))
        return sum(_read_minutes(SumsItem.query(provider, between), _to_calls), NO_CALLS)

    def newest_minutes(self, provider: str, epoch: int, first: int, last: int) -> Iterator[tuple[int, Sums]]:
        """Each of these minutes that has counts, with its counts, newest first. They are read as they are taken."""
        between = SumsItem.part.between(_minute_part(epoch, first), _minute_part(epoch, last))
        return _counts(SumsItem.query(provider, between, scan_index_forward=False, page_size=60))


def _minute_part(epoch: int, minute: int) -> str:
    return f"minute#{epoch:06d}#{minute:010d}"


def _state(health: Health) -> dict[str, Any]:
    default = asdict(Health(health.provider))
    state = asdict(health)
    return {name: value for name, value in state.items() if name != "version" and value != default[name]}


def _read(raw: Raw) -> Health:
    name: str = raw["provider"]["S"]
    try:
        return read_item(raw, by_model(HealthItem, _to_health), "health", name)
    except Unreadable:
        stored = Stored(HealthItem, raw)
        paused = _or_nothing(lambda: stored.state["paused"] is True)
        return Health(name, paused=bool(paused), version=_or_nothing(lambda: int(stored.version)) or 0)


def _or_nothing(read: Callable[[], int]) -> int | None:
    try:
        return read()
    except Exception:  # noqa: BLE001 because the item is known to be damaged, and anything may be
        return None


def _to_health(item: HealthItem) -> Health:
    state = {name: value for name, value in item.state.items() if name in FIELDS}  # another version may know others
    default = asdict(Health(""))
    for name, value in state.items():
        if name.endswith("_ms") and value is not None:
            time_ms(value)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if type(value) is not type(default[name]) and not (is_number and not isinstance(default[name], str | bool)):
            raise TypeError(f"{name} is of another type")
    return Health(**{"provider": item.provider, **state}, version=int(item.version))


def _counts(found: ResultIterator[SumsItem]) -> Iterator[tuple[int, Sums]]:
    """The minutes that a query finds, each with its counts, without those that cannot be read."""
    return _read_minutes(found, lambda item: (int(item.part.rpartition("#")[2]), _to_sums(item)))


def _read_minutes(found: ResultIterator[SumsItem], read: Callable[[SumsItem], T]) -> Iterator[T]:
    def read_raw(raw: Raw) -> T:
        return read(SumsItem.from_raw_data(raw))

    return read_each(as_written(found), read_raw, "count", lambda raw: f"{raw['provider']['S']} {raw['part']['S']}")


def _error_state(error: CallError) -> dict[str, Any]:
    return {name: value for name, value in asdict(error).items() if value is not None}


def _to_calls(item: SumsItem) -> Calls:
    error = item.last_error and CallError(
        at_ms=time_ms(item.last_error["at_ms"]),
        kind=_outcome_kind(item.last_error["kind"]),
        cause=Cause(item.last_error["cause"]) if "cause" in item.last_error else None,
        status_code=item.last_error.get("status_code"),
    )
    return Calls(int(item.calls or 0), int(item.failures or 0), error or None)


def _outcome_kind(text: str) -> OutcomeKind:
    """The kind of that name. Raises ValueError if it is not one of an outcome."""
    kinds: dict[str, OutcomeKind] = {kind.value: kind for kind in get_args(OutcomeKind)}
    if text not in kinds:
        raise ValueError(f"{text!r} is not the kind of an outcome")
    return kinds[text]


def _to_sums(item: SumsItem) -> Sums:
    return Sums(
        int(item.accepted or 0),
        int(item.failed or 0),
        int(item.slow or 0),
        int(item.blocked or 0),
        int(item.reported or 0),
        int(item.our_faults or 0),
    )
