"""Stores how many places of each account's days and seconds are taken, by a write before the call is made."""

from collections.abc import Sequence
from datetime import datetime
from secrets import token_hex

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from app.domain.caps import seconds_for
from app.domain.lane import Lane
from app.errors import Unreadable
from app.faults import code_of
from app.store.failures import TRANSACTION_CANCELED, is_condition_failed
from app.store.item_values import read_item
from app.store.ttl import as_ttl

DAYS_KEPT_FOR_S = 3 * 24 * 3600
SECONDS_KEPT_FOR_S = 60
TURNS_KEPT_FOR_S = 24 * 3600
ALL = 10**15  # more places than any cap has
MOST_AT_ONCE = 100  # items of one transaction of DynamoDB


class PlaceItem(Model):
    """The places of one day or second of one account that are taken; or how many turns it has given."""

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
        return _taken(account, _day_part(day))

    def take(self, account: str, day: int, count: int, cap: int, now_s: float) -> bool:
        """Take `count` places of that day. Returns False, and takes none, if fewer are left under `cap`."""
        if count > cap:
            return False
        room = PlaceItem.taken.does_not_exist() | (PlaceItem.taken <= cap - count)
        return _take(PlaceItem(account, _day_part(day)), count, room, as_ttl(now_s + DAYS_KEPT_FOR_S))

    def add(self, account: str, day: int, count: int, now_s: float) -> None:
        """Count `count` places of that day as taken, whatever its cap: somebody has got the email already."""
        ttl = PlaceItem.ttl.set(as_ttl(now_s + DAYS_KEPT_FOR_S))
        PlaceItem(account, _day_part(day)).update(actions=[PlaceItem.taken.add(count), ttl])

    def book(self, account: str, second: int, count: int, cap: int, room: int | None = None) -> bool:
        """Take `count` places of that second (of the Unix epoch). Returns False if fewer are left under `room`.

        `room` is `cap`, unless it says less, so that others find a place. A call that is larger takes a second that is
        empty. More places than a second has are those of as many whole seconds as they fill, which must all be empty.
        Then nobody may be able to book the later ones by themselves, or else the last of more than a hundred could be
        taken.
        """
        if count <= cap:
            others = max((cap if room is None else room) - count, 0)
            has_room = PlaceItem.taken.does_not_exist() | (PlaceItem.taken <= others)
            return _take(_second(account, second), count, has_room, _second_ttl(second))
        seconds = range(second, second + seconds_for(count, cap))
        return all(
            _book_whole(account, seconds[at : at + MOST_AT_ONCE], cap) for at in range(0, len(seconds), MOST_AT_ONCE)
        )

    def turn(self, account: str, count: int, a_second: int, first: int, lane: Lane = Lane.NORMAL) -> int:
        """Give out the next turn of a lane, of `count` places, and return its second, which is `first` or later.

        At most `a_second` places are given out as turns of one second. They are counted up in one item for each
        lane and `a_second`. An email that gets a turn need not use it.
        """
        start = first * a_second
        item = PlaceItem(account, _turns_part(a_second, lane))
        ttl = PlaceItem.ttl.set(as_ttl(first + TURNS_KEPT_FOR_S))
        while True:
            if _update(item, [PlaceItem.taken.add(count), ttl], PlaceItem.taken >= start):
                return (int(item.taken) - count) // a_second
            none_later = PlaceItem.taken.does_not_exist() | (PlaceItem.taken < start)
            if _update(item, [PlaceItem.taken.set(start + count), ttl], none_later):
                return first

    def next_turn(self, account: str, a_second: int, lane: Lane = Lane.NORMAL) -> int:
        """The second of the lane's next turn, if one was given out lately; otherwise one that is over."""
        return _taken(account, _turns_part(a_second, lane)) // a_second

    def give_back(self, account: str, day: int, count: int) -> None:
        """Give back `count` places that were taken of that day.

        It is a transaction with a token, because the client makes a write again whose answer was lost: DynamoDB knows
        the token, and does not give back what was given back already.
        """
        with TransactWrite(connection=_connection(), client_request_token=token_hex(16)) as transaction:
            transaction.update(PlaceItem(account, _day_part(day)), actions=[PlaceItem.taken.add(-count)])


def _taken(account: str, part: str) -> int:
    """How many places are taken. An item that cannot be read has none left, so that the emails go to other accounts."""
    raw = PlaceItem._get_connection().get_item(account, part, consistent_read=True).get("Item")
    if raw is None:
        return 0
    try:
        return read_item(raw, lambda raw: int(PlaceItem.from_raw_data(raw).taken), "place", f"{account} {part}")
    except Unreadable:
        return ALL


def _take(item: PlaceItem, count: int, room: Condition, ttl: datetime) -> bool:
    return _update(item, [PlaceItem.taken.add(count), PlaceItem.ttl.set(ttl)], room)


def _update(item: PlaceItem, actions: Sequence[Action], condition: Condition) -> bool:
    try:
        item.update(actions=list(actions), condition=condition)
    except UpdateError as error:
        if is_condition_failed(error):
            return False
        raise
    return True


def _book_whole(account: str, seconds: range, cap: int) -> bool:
    """Take every place of these seconds, or none if one of them is not empty."""
    try:
        with TransactWrite(connection=_connection(), client_request_token=token_hex(16)) as transaction:
            for second in seconds:
                taken: list[Action] = [PlaceItem.taken.set(cap), PlaceItem.ttl.set(_second_ttl(second))]
                transaction.update(_second(account, second), actions=taken, condition=PlaceItem.taken.does_not_exist())
    except TransactWriteError as error:
        if code_of(error) == TRANSACTION_CANCELED:
            return False
        raise
    return True


def _second(account: str, second: int) -> PlaceItem:
    return PlaceItem(account, f"second#{second:010d}")


def _second_ttl(second: int) -> datetime:
    return as_ttl(second + SECONDS_KEPT_FOR_S)


def _connection() -> Connection:
    return PlaceItem._get_connection().connection


def _turns_part(a_second: int, lane: Lane) -> str:
    return f"turns#{lane}#{a_second:010d}"


def _day_part(day: int) -> str:
    return f"day#{day:06d}"
