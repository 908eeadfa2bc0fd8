"""Reads and writes times: RFC 3339 in requests and answers, epoch milliseconds everywhere else."""

import re
from datetime import UTC, datetime

# This pattern is needed because datetime.fromisoformat also takes week dates, and times without an offset.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def read(text: str) -> int:
    """Epoch milliseconds of an RFC 3339 time. Raises ValueError whose message says what is wrong."""
    try:
        if _RFC3339.fullmatch(text):
            # In UTC, because an offset can lead out of the years 1 to 9999: such a time could be stored, but not read.
            return int(datetime.fromisoformat(text.upper()).astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError):  # a date that does not exist, such as 31 February, gets the same message
        pass
    raise ValueError("must be an RFC 3339 time with an offset, like 2030-01-31T18:00:00Z")


def write(at_ms: int) -> str:
    """`at_ms` (epoch milliseconds) as an RFC 3339 time in UTC, with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_optional(at_ms: int | None) -> str | None:
    """The same as `write`. Returns None for None."""
    return None if at_ms is None else write(at_ms)
