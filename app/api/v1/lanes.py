"""The lane of an email, between what the request names and what the API key is fixed to."""

from app.domain.email import Email
from app.domain.lane import Lane
from app.errors import Invalid
from app.store.api_keys import ApiKey


def lane_of(key: ApiKey, email: Email, default: Lane = Lane.NORMAL) -> Lane:
    """The lane in which `key` sends this email: the key's, if it is fixed to one; else the email's; else `default`.

    Raises Invalid if the email names another lane than the one to which the key is fixed: the client would believe
    that a password reset passes the newsletters.
    """
    if key.lane is not None and email.lane not in (None, key.lane):
        raise Invalid(
            ("lane", f"is fixed to {key.lane} by this API key; leave it out, or send with a key that is not fixed")
        )
    return key.lane or email.lane or default
