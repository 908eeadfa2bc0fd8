"""The error tree. Each class knows its HTTP status and its problem type; `app.api.problems` renders them.

    Problem
    ├── Unauthenticated          401  no key, an unknown key, or a webhook whose sender cannot be proved
    ├── Forbidden                403  the key is good, but not for this
    ├── NotFound                 404
    ├── Conflict                 409  the state of the email, or an idempotency key used for another body
    ├── Invalid                  422  fields of the request, each named
    └── ServiceUnavailable              503  a part we need does not answer now: ask again
    ConfigurationError           the settings are incomplete or contradict each other; raised at start
    Contention                   a conditional write kept losing; the message is delivered again

An attempt's outcome is not here: failure of a provider is data, not an exception.
"""

from typing import ClassVar


class Problem(Exception):
    """Anything that a caller is told as application/problem+json."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Unauthenticated(Problem):
    """The sender of a request or webhook cannot be proved."""

    status, type, title = 401, "unauthenticated", "Not authenticated"


class Forbidden(Problem):
    """The caller is known, but may not do this."""

    status, type, title = 403, "forbidden", "Not allowed"


class NotFound(Problem):
    """No such thing."""

    status, type, title = 404, "not-found", "Not found"


class Conflict(Problem):
    """The request contradicts the state of things."""

    status, type, title = 409, "conflict", "Conflict"


class Invalid(Problem):
    """Fields of the request are wrong: `errors` are pairs of field and message, never empty."""

    status, type, title = 422, "invalid", "Invalid request"

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in errors))
        self.errors = errors


class ServiceUnavailable(Problem):
    """A part we need does not answer now."""

    status, type, title = 503, "unavailable", "Unavailable"


class ConfigurationError(Exception):
    """The settings are incomplete or contradict each other."""


class Contention(Exception):
    """A conditional write lost to other writers too often."""
