"""The item of a suppressed address."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from pynamodb.attributes import JSONAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.suppression import Bounces, Entry, Reason, Suppression
from app.store.codec import suppressions_from_json, suppressions_to_json
from app.store.item_values import LAST_MS, by_model, optional_ms, time_ms
from app.store.raw_items import Raw, Stored
from app.store.ttl import as_ttl

ID_PREFIX: Final = "sup_"
NOT_READABLE: Final = "this version cannot read what is stored of this address, which may be a suppression"
"""The evidence of an entry that is taken for a suppression because it cannot be read."""

_BOUNCES: Final = {field.name for field in fields(Bounces)}


class SuppressionItem(Model):
    """One address (lower-case) that is suppressed, or was lately, for one project or for all. Times are epoch ms.

    The key does not tell the address, which can be erased without what is known of it.
    """

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    address_hmac = UnicodeAttribute(hash_key=True)
    address = UnicodeAttribute()
    project = UnicodeAttribute(null=True)
    version = NumberAttribute()
    suppressions = JSONAttribute(null=True)
    bounces = JSONAttribute(null=True)
    lifted = NumberAttribute(null=True)
    resubscribed = NumberAttribute(null=True)
    ttl = TTLAttribute()


def to_item(key: str, entry: Entry) -> SuppressionItem:
    """The item of an entry, with the next version."""
    return SuppressionItem(
        key,
        address=entry.address,
        project=entry.project or None,
        version=entry.version + 1,
        suppressions=suppressions_to_json(entry.suppressions) or None,
        bounces=entry.bounces and asdict(entry.bounces),
        lifted=entry.lifted_ms,
        resubscribed=entry.resubscribed_ms,
        ttl=as_ttl(entry.kept_until_ms / 1000),
    )


def read_entry(raw: Raw) -> Entry:
    """The entry in an item. Raises KeyError, TypeError, ValueError, or another error, if it cannot be read."""
    return by_model(SuppressionItem, _to_entry)(raw)


def id_in(raw: Raw) -> str:
    """The id of an entry, by which it is lifted, and which does not tell its address."""
    return ID_PREFIX + str(raw["address_hmac"]["S"])


def as_suppressed(raw: Raw, address: str, project: str) -> Entry:
    """What counts of the entry of this address and project that cannot be read: it is suppressed, until it is lifted.

    To lose a complaint would be worse than to send nothing, and what a newer version writes is most likely a
    suppression. Nothing of an entry holds longer than its item is to live.
    """
    stored = Stored(SuppressionItem, raw)
    until_ms = _number(lambda: stored.ttl.timestamp() * 1000, LAST_MS)
    suppression = Suppression(address, Reason.MANUAL, NOT_READABLE, 0, until_ms, project)
    version = _number(lambda: stored.version, 0)
    return Entry(address, {suppression.reason: suppression}, version=version, project=project)


def owner_of(raw: Raw) -> tuple[str, str]:
    """The address and the project that an item names, which cannot be read as a whole; "" for what it does not name."""
    return _text(raw, "address"), _text(raw, "project")


def _text(raw: Raw, name: str) -> str:
    return str(raw.get(name, {}).get("S", ""))


def _number(read: Callable[[], float | None], otherwise: int) -> int:
    try:
        return time_ms(read() or otherwise)
    except Exception:  # noqa: BLE001 because the item is known to be damaged, and anything may be
        return otherwise


def _to_entry(item: SuppressionItem) -> Entry:
    project = item.project or ""
    suppressions = suppressions_from_json(item.address, project, item.suppressions or {})
    for each in suppressions.values():
        if not isinstance(each.evidence, str):
            raise TypeError("the evidence is no text")
        time_ms(each.since_ms)
        time_ms(each.until_ms)
    return Entry(
        address=item.address,
        suppressions=suppressions,
        bounces=None if item.bounces is None else _to_bounces(item.bounces),
        lifted_ms=optional_ms(item.lifted),
        resubscribed_ms=optional_ms(item.resubscribed),
        version=int(item.version),
        project=project,
    )


def _to_bounces(data: Mapping[str, Any]) -> Bounces:
    return Bounces(**{name: time_ms(at) for name, at in data.items() if name in _BOUNCES})  # others are not known here
