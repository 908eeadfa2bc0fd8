"""Stores how many places of each account's day are taken. Whoever takes some writes before the call is made."""

from datetime import datetime
from secrets import token_hex

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from app.store.ttl import as_ttl

DAYS_KEPT_FOR_S = 3 * 24 * 3600
SECONDS_KEPT_FOR_S = 60


class PlaceItem(Model):
    """The places of one day of one account that are taken."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    provider = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    ttl = TTLAttribute(null=True)
    taken = NumberAttribute(default=0)


class Places:
    """Stores places. They are taken by a conditional write, so that no two processes can take the same one."""

    def taken(self, account: str, day: int) -> int:
        """How many places of that day (of the Unix epoch, UTC) are taken, by a strongly consistent read."""
        try:
            return int(PlaceItem.get(account, _day_part(day), consistent_read=True).taken)
        except PlaceItem.DoesNotExist:
            return 0

    def take(self, account: str, day: int, count: int, cap: int, now_s: float) -> bool:
        """Take `count` places of that day. Returns False, and takes none, if fewer are left under `cap`."""
        if count > cap:
            return False
        room = PlaceItem.taken.does_not_exist() | (PlaceItem.taken <= cap - count)
        return _take(PlaceItem(account, _day_part(day)), count, room, as_ttl(now_s + DAYS_KEPT_FOR_S))

    def reserve_second(self, account: str, second: int, cap: int, recipients: int, now_s: float) -> bool:
        """Reserve places under an account's `cap` for this second. Returns False if all are taken.

        While one place is left, an email to several recipients gets as many as it needs, even beyond the cap: under
        load it would never find all of them free.
        """
        room = PlaceItem.taken.does_not_exist() | (PlaceItem.taken < cap)
        return _take(PlaceItem(account, f"second#{second:010d}"), recipients, room, as_ttl(now_s + SECONDS_KEPT_FOR_S))

    def give_back(self, account: str, day: int, count: int) -> None:
        """Give back `count` places that were taken of that day.

        It is a transaction with a token, because the client makes a write again whose answer was lost: DynamoDB knows
        the token, and does not give back what was given back already.
        """
        with TransactWrite(connection=_connection(), client_request_token=token_hex(16)) as transaction:
            transaction.update(PlaceItem(account, _day_part(day)), actions=[PlaceItem.taken.add(-count)])


def _take(item: PlaceItem, count: int, room: Condition, ttl: datetime) -> bool:
    try:
        item.update(actions=[PlaceItem.taken.add(count), PlaceItem.ttl.set(ttl)], condition=room)
    except UpdateError as error:
        if error.cause_response_code == "ConditionalCheckFailedException":
            return False
        raise
    return True


def _connection() -> Connection:
    return PlaceItem._get_connection().connection


def _day_part(day: int) -> str:
    return f"day#{day:06d}"
