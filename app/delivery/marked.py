"""The mark by which a line of the log is known to be about test mail: no metric is read from it, so no alarm rings."""

from app.domain.head import Head


def marked(head: Head) -> dict[str, bool]:
    """The field that each line about this email has beside its own; none for real mail."""
    return {"test": True} if head.sandbox else {}
