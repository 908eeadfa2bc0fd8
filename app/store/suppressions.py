"""Stores the addresses that nothing is sent to."""

from collections.abc import Iterable, Iterator

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from app.domain.suppression import Reason, Suppression
from app.store.ttl import as_ttl

LIFTED_FOR_S = 30 * 24 * 3600  # far longer than any provider goes on sending a webhook again


class SuppressionItem(Model):
    """One suppressed address (lower-case), or one that was lifted lately. Times are epoch milliseconds."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    address = UnicodeAttribute(hash_key=True)
    reason = UnicodeAttribute()
    evidence = UnicodeAttribute()
    since = NumberAttribute()
    until = NumberAttribute()
    lifted = NumberAttribute(null=True)
    ttl = TTLAttribute()


class Suppressions:
    """Stores suppressions. An address is suppressed until its time is over, whenever DynamoDB deletes the item."""

    def put(self, suppression: Suppression) -> None:
        """Suppress an address, unless a stored suppression lasts longer.

        Nothing happens either if the address was lifted after `since_ms`: a redelivered webhook must not undo that.
        """
        # An update, because the time of an earlier `lift` must outlive this entry.
        kept_until_s = max(suppression.until_ms / 1000, suppression.since_ms / 1000 + LIFTED_FOR_S)
        actions: list[Action] = [
            SuppressionItem.reason.set(suppression.reason.value),
            SuppressionItem.evidence.set(suppression.evidence),
            SuppressionItem.since.set(suppression.since_ms),
            SuppressionItem.until.set(suppression.until_ms),
            SuppressionItem.ttl.set(as_ttl(kept_until_s)),
        ]
        ends_sooner = SuppressionItem.until <= suppression.until_ms
        not_lifted = SuppressionItem.lifted.does_not_exist() | (SuppressionItem.lifted <= suppression.since_ms)
        try:
            SuppressionItem(suppression.address).update(
                actions=actions, condition=SuppressionItem.address.does_not_exist() | (ends_sooner & not_lifted)
            )
        except UpdateError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise

    def among(self, addresses: Iterable[str], now_ms: int) -> frozenset[str]:
        """Those of `addresses` (lower-case, at most 100) that are suppressed."""
        keys = list(addresses)
        items = SuppressionItem.batch_get(keys) if keys else ()
        return frozenset(item.address for item in items if now_ms < item.until)

    def get(self, address: str, now_ms: int) -> Suppression | None:
        """The suppression of an address (lower-case), if there is one now."""
        try:
            item = SuppressionItem.get(address, consistent_read=True)
        except SuppressionItem.DoesNotExist:
            return None
        return _to_suppression(item) if now_ms < item.until else None

    def lift(self, address: str, now_ms: int) -> None:
        """End the suppression of an address (lower-case). If the address was never suppressed, nothing is written."""
        actions: list[Action] = [
            SuppressionItem.lifted.set(now_ms),
            SuppressionItem.until.set(now_ms),
            SuppressionItem.ttl.set(as_ttl(now_ms / 1000 + LIFTED_FOR_S)),
        ]
        try:
            SuppressionItem(address).update(actions=actions, condition=SuppressionItem.address.exists())
        except UpdateError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise

    def all(self, after: str | None, now_ms: int) -> Iterator[Suppression]:
        """Every suppression, in the table's own order, behind the address `after`."""
        start = {"address": {"S": after}} if after else None
        for item in SuppressionItem.scan(last_evaluated_key=start, page_size=100):
            if now_ms < item.until:
                yield _to_suppression(item)


def _to_suppression(item: SuppressionItem) -> Suppression:
    return Suppression(item.address, Reason(item.reason), item.evidence, int(item.since), int(item.until))
