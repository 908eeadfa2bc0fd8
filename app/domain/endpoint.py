"""An endpoint: a URL of an application that is told what becomes of a project's emails, and when it is given up.

Times are epoch milliseconds. An endpoint is never changed: every function returns a new one, or the same if nothing is
to be written.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from app.domain.change_types import ChangeType

HOUR_MS: Final = 3_600_000
OVERLAP_MS: Final = 24 * HOUR_MS  # so long after a rotation, the secret before signs as well
GIVEN_UP_AFTER_MS: Final = 5 * 24 * HOUR_MS  # of failures without a success between them
FORGOTTEN_AFTER_MS: Final = 24 * HOUR_MS  # without a try: twice as long as the longest wait for the next one
# How long after each failed try of one webhook the next one is made: quickly at first, then each half day for 3 days.
RETRY_AFTER_S: Final = (5, 60, 300, 1800, 7200, 21_600, *(12 * 3600,) * 6)

# What has failed for so long without a success between is called by one probe at a time, in whatever process.
PROBED_AFTER_MS: Final = 5_000
PROBED_EVERY_MS: Final = 30_000
SKEW_MS: Final = 5_000  # by which the clock of the process that noted a probe may be ahead
PROBE_LASTS_MS: Final = 15_000  # a call takes ten seconds, and writing what it came to some more


class Calls(StrEnum):
    """Which calls are made to an endpoint now."""

    ALL = "all"
    PROBE = "probe"  # one, by whoever notes first that it makes it
    AFTER_PROBE = "after_probe"  # none, until the probe that is under way has ended
    NONE = "none"


class Disabled(StrEnum):
    """Why an endpoint is not called."""

    BY_USER = "by_user"
    GONE = "gone"  # it has answered 410
    FAILING = "failing"  # for GIVEN_UP_AFTER_MS


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. `version` is that of the stored item that it was read from (0: not stored yet).

    `types` are those that it wants (none: all). `began_ms` tells of each generation of its secret when it began.
    `failing_since_ms` is when the first try began that failed after the last success (None: the last one succeeded);
    `probed_at_ms` is when the last probe began since then.
    """

    id: str
    project: str
    url: str
    created_at_ms: int
    began_ms: tuple[int, ...]
    types: tuple[ChangeType, ...] = ()
    description: str = ""
    failing_since_ms: int | None = None
    probed_at_ms: int | None = None
    disabled: Disabled | None = None
    disabled_at_ms: int | None = None
    version: int = 0

    def wants(self, change_type: ChangeType) -> bool:
        """Whether it is told of changes of this type now."""
        return self.disabled is None and (not self.types or change_type in self.types)


def rotated(endpoint: Endpoint, now_ms: int) -> Endpoint:
    """The endpoint with another generation of its secret."""
    return replace(endpoint, began_ms=(*endpoint.began_ms, now_ms))


def moved(endpoint: Endpoint, url: str) -> Endpoint:
    """The endpoint with another URL. What failed at the one before does not count any more."""
    return endpoint if url == endpoint.url else replace(endpoint, url=url, failing_since_ms=None, probed_at_ms=None)


def old_secret_until_ms(endpoint: Endpoint, now_ms: int) -> int | None:
    """Until when the secret before the newest one signs as well. None: it does not, or there was none."""
    until_ms = endpoint.began_ms[-1] + OVERLAP_MS if len(endpoint.began_ms) > 1 else 0
    return until_ms if now_ms < until_ms else None


def disable(endpoint: Endpoint, why: Disabled, now_ms: int) -> Endpoint:
    """The endpoint that is not called any more. Why it was disabled first stays."""
    return endpoint if endpoint.disabled else replace(endpoint, disabled=why, disabled_at_ms=now_ms)


def enable(endpoint: Endpoint) -> Endpoint:
    """The endpoint that is called again. Failures of the past do not count any more."""
    return replace(endpoint, disabled=None, disabled_at_ms=None, failing_since_ms=None, probed_at_ms=None)


def worked(endpoint: Endpoint) -> Endpoint:
    """The endpoint after it has taken a webhook."""
    return (
        endpoint if endpoint.failing_since_ms is None else replace(endpoint, failing_since_ms=None, probed_at_ms=None)
    )


def calls(endpoint: Endpoint, now_ms: int) -> Calls:
    """Which calls are made to it now. It is called by a probe only while nothing else is known to have worked."""
    if endpoint.failing_since_ms is None or now_ms - endpoint.failing_since_ms < PROBED_AFTER_MS:
        return Calls.ALL
    if endpoint.probed_at_ms is None:
        return Calls.PROBE
    since_ms = now_ms - endpoint.probed_at_ms
    if since_ms >= PROBED_EVERY_MS or since_ms < -SKEW_MS:  # noted before the clock was set back
        return Calls.PROBE
    return Calls.AFTER_PROBE if since_ms < PROBE_LASTS_MS else Calls.NONE


def probed(endpoint: Endpoint, now_ms: int) -> Endpoint:
    """The endpoint with `now_ms` noted as the time at which its newest probe began.

    What failed before a long time without a try does not count any more.
    """
    last_ms = max(endpoint.failing_since_ms or 0, endpoint.probed_at_ms or 0)
    since_ms = now_ms if now_ms - last_ms >= FORGOTTEN_AFTER_MS else endpoint.failing_since_ms
    return replace(endpoint, failing_since_ms=since_ms, probed_at_ms=now_ms)


def failed(endpoint: Endpoint, status_code: int | None, now_ms: int) -> Endpoint:
    """The endpoint after it has not taken a webhook whose call began at `now_ms`.

    `status_code` is what it answered; None: nothing.

    It is disabled at once if it says that it has gone, else after days without a success.
    """
    if status_code == 410:
        return disable(endpoint, Disabled.GONE, now_ms)
    if endpoint.failing_since_ms is None or endpoint.failing_since_ms > now_ms + SKEW_MS:  # the clock was set back
        return replace(endpoint, failing_since_ms=now_ms)
    is_given_up = now_ms - endpoint.failing_since_ms >= GIVEN_UP_AFTER_MS
    return disable(endpoint, Disabled.FAILING, now_ms) if is_given_up else endpoint


def retry_after_s(tries: int) -> int | None:
    """How long after the last of so many failed tries of one webhook the next is made. None: no more is made."""
    return RETRY_AFTER_S[tries - 1] if 0 < tries <= len(RETRY_AFTER_S) else None
