"""Outcomes of provider calls: one example of each."""

from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome

UNAVAILABLE = Outcome(Kind.UNAVAILABLE, Cause.OUTAGE, 503, "no healthy upstream")
ACCOUNT = Outcome(Kind.UNAVAILABLE, Cause.ACCOUNT, 401, "The provided authorization grant is invalid")
SENDER = Outcome(Kind.UNAVAILABLE, Cause.ACCOUNT, 403, "not for this From", is_about_sender=True)
THROTTLED = Outcome(Kind.THROTTLED, Cause.THROTTLE, 429, "too many requests", retry_after_s=30)
REFUSED = Outcome(Kind.REFUSED, Cause.MESSAGE, 400, "file type not allowed")
UNDELIVERABLE = Outcome(Kind.UNDELIVERABLE, Cause.RECIPIENT, 406, "inactive recipient")
ON_PROVIDER_LIST = Outcome(Kind.UNDELIVERABLE, Cause.RECIPIENT, 406, "on the suppression list", suppressed=True)
UNCERTAIN = Outcome(Kind.UNCERTAIN, Cause.OUTAGE, None, "ReadTimeout")


def accepted(message_id: str = "m-1") -> Outcome:
    return Outcome(Kind.ACCEPTED, status_code=202, message_id=message_id)
