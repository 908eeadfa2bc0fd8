"""Reading and writing times: RFC 3339 outside, epoch milliseconds inside."""

import re
from datetime import UTC, datetime

# datetime.fromisoformat alone takes week dates and times without an offset.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def read(text: str) -> int:
    """Epoch milliseconds of an RFC 3339 time. Raises ValueError with what is wrong."""
    try:
        if _RFC3339.fullmatch(text):
            return int(datetime.fromisoformat(text.upper()).timestamp() * 1000)
    except ValueError:  # 31 February: told as everything else
        pass
    raise ValueError("must be an RFC 3339 time with an offset, like 2030-01-31T18:00:00Z")


def write(at_ms: int) -> str:
    """The time in UTC, to the millisecond."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_optional(at_ms: int | None) -> str | None:
    """The same; None stays None."""
    return None if at_ms is None else write(at_ms)
