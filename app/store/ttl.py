"""Times in the form that DynamoDB's time to live needs."""

from datetime import UTC, datetime


def as_ttl(ttl_s: float) -> datetime:
    """Epoch seconds as the datetime that PynamoDB's TTL attribute takes."""
    return datetime.fromtimestamp(ttl_s, UTC)
