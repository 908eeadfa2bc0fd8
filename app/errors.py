"""The error tree. Each class knows its HTTP status and its problem type; `app.api.problems` renders them.

    Problem
    ├── Unauthenticated          401  no key, an unknown key, or a webhook whose sender cannot be proved
    ├── Forbidden                403  the key is valid, but does not allow this call
    ├── NotFound                 404  there is no such thing
    ├── NotAcceptable            406  a webhook is genuine, but of a form that is not read; it need not come again
    ├── Conflict                 409  the email's state forbids the call, or its idempotency key was used before
    ├── Invalid                  422  fields of the request are wrong, each of them named
    ├── TooMany                  429  more emails than a limit allows now; `retry_after_s` says when to try again
    │   ├── RateLimited              the key's own, by the second
    │   ├── CapReached               the project's, by the day
    │   └── Runaway                  the guard against keys that send and send
    └── ServiceUnavailable       503  a service that we need does not answer now; the same call may succeed later
    ConfigurationError           the settings are incomplete or contradict each other; raised at start
    Contention                   a conditional write lost to other writers too often; the message is delivered again

A provider's failure is not here: it is an outcome, which is a value and not an exception.
"""

from typing import ClassVar


class Problem(Exception):
    """An error that a caller of the API gets as application/problem+json."""

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
    """There is no such email, provider, suppression or path."""

    status, type, title = 404, "not-found", "Not found"


class NotAcceptable(Problem):
    """A genuine webhook is of a form that is not read, and never will be."""

    status, type, title = 406, "not-acceptable", "Not acceptable"


class Conflict(Problem):
    """The request contradicts what is stored."""

    status, type, title = 409, "conflict", "Conflict"


class Invalid(Problem):
    """Fields of the request are wrong: `errors` are pairs of field and message, never empty."""

    status, type, title = 422, "invalid", "Invalid request"

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in errors))
        self.errors = errors


class TooMany(Problem):
    """A limit allows no more now. `retry_after_s` is how long it takes until it allows some again."""

    status, type, title = 429, "too-many", "Too many emails"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class RateLimited(TooMany):
    """The API key has sent as many emails as it may send in this second."""

    type = "rate-limited"


class CapReached(TooMany):
    """The project has had as many emails accepted as it may have in this day."""

    type = "daily-cap"


class Runaway(TooMany):
    """The API key sends far more than it usually does, or the same email again and again."""

    type = "runaway"


class ServiceUnavailable(Problem):
    """A service that we need does not answer now."""

    status, type, title = 503, "unavailable", "Unavailable"


class Unreadable(ServiceUnavailable):
    """An item was written by another version of the product, as after a rollback. `project` owns it ("": not known)."""

    def __init__(self, detail: str, project: str = "") -> None:
        super().__init__(detail)
        self.project = project

    def hidden_from(self, project: str | None) -> bool:
        """Whether somebody of that project (None: of any) must not learn that there is such an item."""
        return project not in (None, self.project)


class ConfigurationError(Exception):
    """The settings are incomplete or contradict each other."""


class Contention(Exception):
    """A conditional write lost to other writers too often."""
