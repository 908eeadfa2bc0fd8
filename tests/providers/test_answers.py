"""What an answer means by its status alone; and how long a throttling provider asks us to wait."""

import httpx
import pytest

from app.domain.kinds import Cause, Kind
from app.providers.sdk.answers import header_s, judge

DATE = "Tue, 24 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("90", 90),
        (" 90 ", 90),
        ("Tue, 24 Nov 2026 10:01:30 GMT", 90),
        ("Tue, 24 Nov 2026 10:01:30 +0000", 90),
        ("Tue, 24 Nov 2026 10:01:30 -0000", 90),  # RFC 5322 §3.3: UTC, of an unknown local zone
        ("Tue, 24 Nov 2026 11:01:30 +0100", 90),
        ("Tue, 24 Nov 2026 05:01:30 -0500", 90),
        ("Tue, 24 Nov 2026 09:59:00 GMT", -60),
        ("", None),
        ("soon", None),
        ("1.5", None),
        ("-5", None),
        ("\u0663", None),  # a digit, but not an ASCII one
    ],
)
def test_a_retry_after_is_seconds_or_a_date_of_any_zone(retry_after: str, seconds: float | None) -> None:
    headers = httpx.Headers({"Date": DATE, "Retry-After": retry_after}, encoding="utf-8")
    assert header_s(httpx.Response(429, headers=headers)) == seconds


@pytest.mark.parametrize("date", ["Tue, 24 Nov 2026 10:00:00 -0000", "Tue, 24 Nov 2026 11:00:00 +0100"])
def test_the_answers_own_date_may_be_of_any_zone_too(date: str) -> None:
    headers = {"Date": date, "Retry-After": "Tue, 24 Nov 2026 10:01:30 GMT"}
    assert header_s(httpx.Response(429, headers=headers)) == 90


def test_a_date_without_the_answers_own_date_says_nothing() -> None:
    assert header_s(httpx.Response(429, headers={"Retry-After": DATE})) is None


@pytest.mark.parametrize(
    ("statuses", "kind", "cause"),
    [
        ((400, 413, 415, 422), Kind.REFUSED, Cause.MESSAGE),
        ((401, 402, 403, 404, 405, 406, 407, 410, 421, 301, 307), Kind.UNAVAILABLE, Cause.ACCOUNT),
        ((420, 429), Kind.THROTTLED, Cause.THROTTLE),
        ((500, 502, 503), Kind.UNAVAILABLE, Cause.OUTAGE),
        ((408, 504, 524, 501, 520, 599), Kind.UNCERTAIN, Cause.OUTAGE),
        ((409, 411, 414, 418, 451), Kind.REFUSED, Cause.UNKNOWN),
        ((200, 202, 204), Kind.UNCERTAIN, Cause.UNKNOWN),  # a success without a message id
    ],
)
def test_what_a_status_means_where_a_provider_says_no_more(statuses: tuple[int, ...], kind: Kind, cause: Cause) -> None:
    read = [judge(httpx.Response(status), {}, secrets=()) for status in statuses]
    assert [(outcome.kind, outcome.cause) for outcome in read] == [(kind, cause)] * len(statuses)
