"""Reads the records of the emails table's stream, which hold each item as it was before and after a write."""

from collections.abc import Mapping
from typing import Any, Final

from app.domain.written import HeadWritten, Written
from app.store.events import FIRST, read_stored
from app.store.head_items import PART, read_head

INSERT: Final = "INSERT"
MODIFY: Final = "MODIFY"


def read_record(record: Mapping[str, Any]) -> Written | None:
    """What was written, as a record of the stream tells it. None: nothing that anybody is told of.

    A record is as Lambda passes it on, with both images, whose values are in DynamoDB's JSON
    (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html, read 2026-11-30). An event that is stored again was
    told before. Raises Unreadable for an item of another version, and KeyError or ValueError if it is no such record.
    """
    change, name = record["dynamodb"], record["eventName"]
    part = change["Keys"]["part"]["S"]
    if part == PART and name in (INSERT, MODIFY):
        old = read_head(change["OldImage"]) if name == MODIFY else None
        new = read_head(change["NewImage"])
        return HeadWritten(old, new, new.written_at_ms)
    if part.startswith(FIRST) and name == INSERT:
        return read_stored(change["NewImage"])
    return None
