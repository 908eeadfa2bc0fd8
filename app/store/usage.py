"""Counts what each API key sends: by the second for its rate limit, by the hour for the runaway guard.

The items live in the table of the providers. They are written by calls that bring back the item, also if its condition
failed, which PynamoDB does not hand on; so that a count is one call.
"""

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError
from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.store.failures import CONDITION_FAILED
from app.store.raw_items import Raw

HOURS_KEPT_FOR_S: Final = 8 * 24 * 3600
RATE_KEPT_FOR_S: Final = 24 * 3600
TRIES: Final = 8  # another process may change the item between two writes
_SAME: Final = "same_"  # how the name of an attribute begins that counts identical emails
_RATE: Final = "rate"


class UsageItem(Model):
    """What a key has taken of its rate (`paid`: until when, in epoch microseconds), or sent in one hour (`taken`).

    The item of an hour also has an attribute for each email that was sent again and again.
    """

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    provider = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    ttl = TTLAttribute(null=True)
    paid = NumberAttribute(null=True)
    taken = NumberAttribute(null=True)


class Usage:
    """Stores what keys use. `key_id` is the id of an API key."""

    def take_rate(
        self, key_id: str, cost_us: int, *, now_us: int, latest_us: int, beyond_us: int, is_busy: bool
    ) -> tuple[bool, int]:
        """Take what costs `cost_us`, if what was taken before is paid for by `latest_us`.

        Returns whether it was taken, and until when all is paid for now. What is later than `beyond_us` does not count.
        `is_busy` is a guess, which saves a write if it is right.
        """
        times = {":now": now_us, ":latest": latest_us, ":cost": cost_us, ":fresh": now_us + cost_us}
        times |= {":beyond": beyond_us, ":ttl": now_us // 1_000_000 + RATE_KEPT_FOR_S}
        paid_us = 0
        for _ in range(TRIES):
            if is_busy:
                stored = _update(
                    key_id, _RATE, "ADD paid :cost SET #ttl = :ttl", "paid > :now AND paid <= :latest", times
                )
            else:
                free = "attribute_not_exists(paid) OR paid <= :now OR paid > :beyond"
                stored = _update(key_id, _RATE, "SET paid = :fresh, #ttl = :ttl", free, times)
            paid_us = stored.counts.get("paid", 0)
            if stored.is_written:
                return True, paid_us
            if latest_us < paid_us <= beyond_us:
                return False, paid_us
            is_busy = now_us < paid_us <= beyond_us
        return False, paid_us

    def count_hour(
        self, key_id: str, hour: int, count: int, most: int, same: Mapping[str, int], now_s: float
    ) -> Mapping[str, int] | None:
        """Count emails of that hour, and how many more of them are the `same` as others, by a short name of each.

        Returns how many of each were the same in that hour. Returns None, and counts nothing, if there would be more
        than `most` emails.
        """
        names = {name: f":same{number}" for number, name in enumerate(same)}
        adds = ["taken :count", *(f"{_SAME}{name} {value}" for name, value in names.items())]
        values = {":count": count, ":room": most - count, ":ttl": int(now_s) + HOURS_KEPT_FOR_S}
        values |= {names[name]: number for name, number in same.items()}
        room = "attribute_not_exists(taken) OR taken <= :room"
        if count > most:
            return None
        stored = _update(key_id, _hour(hour), f"ADD {', '.join(adds)} SET #ttl = :ttl", room, values)
        if not stored.is_written:
            return None
        return {name.removeprefix(_SAME): n for name, n in stored.counts.items() if name.startswith(_SAME)}

    def hours(self, key_id: str, first: int, last: int) -> list[int]:
        """How many emails were counted in the hours from `first` to `last`, without those that have no count."""
        found = UsageItem.query(_owner(key_id), UsageItem.part.between(_hour(first), _hour(last)))
        return [int(item.taken or 0) for item in found]


class _Stored:
    """What an update came to: whether it was written, and the numbers of the item as it is now."""

    def __init__(self, item: Raw, *, is_written: bool) -> None:
        self.is_written = is_written
        self.counts = {name: int(value["N"]) for name, value in item.items() if "N" in value}


def _update(key_id: str, part: str, change: str, condition: str, values: Mapping[str, int]) -> _Stored:
    """Change the item, if the condition holds. Only those of `values` are sent that are named."""
    used = {name: {"N": str(value)} for name, value in values.items() if _names(name, f"{change} {condition}")}
    client: Any = UsageItem._get_connection().connection.client
    try:
        written = client.update_item(
            TableName=UsageItem.Meta.table_name,
            Key={"provider": {"S": _owner(key_id)}, "part": {"S": part}},
            UpdateExpression=change,
            ConditionExpression=condition,
            ExpressionAttributeValues=used,
            **({"ExpressionAttributeNames": {"#ttl": "ttl"}} if "#ttl" in change else {}),
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != CONDITION_FAILED:
            raise
        answer: Any = error.response
        return _Stored(answer.get("Item", {}), is_written=False)
    return _Stored(written["Attributes"], is_written=True)


def _names(value: str, text: str) -> bool:
    return value in text.replace(",", " ").split()


def _owner(key_id: str) -> str:
    return f"key#{key_id}"  # the name of an account has no #


def _hour(hour: int) -> str:
    return f"hour#{hour:08d}"
