"""Times as DynamoDB's time to live wants them."""

from datetime import UTC, datetime


def as_ttl(ttl_s: float) -> datetime:
    """Epoch seconds as PynamoDB's TTL attribute wants them."""
    return datetime.fromtimestamp(ttl_s, UTC)
