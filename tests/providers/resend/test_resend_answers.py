"""What the answers of Resend mean."""

import httpx
import pytest

from app.domain.kinds import Cause, Kind
from tests.providers.resend.case import make

RESEND = make("https://api.resend.com")
ACCOUNT, REFUSED = (Kind.UNAVAILABLE, Cause.ACCOUNT), (Kind.REFUSED, Cause.MESSAGE)
DOUBT = (Kind.UNCERTAIN, Cause.UNKNOWN)


@pytest.mark.parametrize(
    ("status", "name", "verdict"),
    [
        (400, "validation_error", REFUSED),
        (400, "invalid_idempotency_key", (Kind.REFUSED, Cause.UNKNOWN)),
        (401, "missing_api_key", ACCOUNT),
        (401, "restricted_api_key", ACCOUNT),
        (401, "validation_error", ACCOUNT),  # a wrong key, as seen on the wire on 2026-09-19
        (403, "restricted_api_key", ACCOUNT),
        (403, "invented_tomorrow", ACCOUNT),
        (403, "invalid_api_key", ACCOUNT),
        (403, "suspended_api_key", ACCOUNT),
        (403, "invalid_permission", ACCOUNT),
        (403, "validation_error", ACCOUNT),
        (404, "not_found", ACCOUNT),
        (405, "method_not_allowed", ACCOUNT),
        (409, "concurrent_idempotent_requests", DOUBT),
        (409, "invalid_idempotent_request", DOUBT),
        (409, "invented_tomorrow", DOUBT),
        (409, "resource_locked", (Kind.THROTTLED, Cause.THROTTLE)),
        (422, "missing_required_parameter", REFUSED),
        (422, "validation_error", REFUSED),
        (422, "missing_required_field", REFUSED),
        (422, "invalid_parameter", REFUSED),
        (422, "invalid_attachment", REFUSED),
        (429, "rate_limit_exceeded", (Kind.THROTTLED, Cause.THROTTLE)),
        (429, "daily_quota_exceeded", (Kind.THROTTLED, Cause.LIMIT)),
        (429, "monthly_quota_exceeded", (Kind.THROTTLED, Cause.LIMIT)),
        (451, "security_error", (Kind.REFUSED, Cause.UNKNOWN)),
        (500, "application_error", (Kind.UNAVAILABLE, Cause.OUTAGE)),
        (503, "service_unavailable", (Kind.UNAVAILABLE, Cause.OUTAGE)),
        (504, "timeout", (Kind.UNCERTAIN, Cause.OUTAGE)),
        (200, "no id", DOUBT),
    ],
)
def test_what_its_errors_mean(status: int, name: str, verdict: tuple[Kind, Cause]) -> None:
    outcome = RESEND.read(httpx.Response(status, json={"statusCode": status, "name": name, "message": "why"}))
    assert (outcome.kind, outcome.cause) == verdict
    assert name in outcome.reply


UNVERIFIED = "The example.com domain is not verified. Please, add and verify your domain on https://resend.com/domains"
OWN_ADDRESS = "You can only send testing emails to your own email address (me@example.com)."


@pytest.mark.parametrize(
    ("status", "name", "message", "is_about_sender"),
    [
        (403, "validation_error", UNVERIFIED, True),
        (403, "validation_error", OWN_ADDRESS, True),
        (403, "validation_error", "Missing User-Agent", False),
        (403, "validation_error", None, False),
        (403, "restricted_api_key", UNVERIFIED, False),
        (401, "validation_error", UNVERIFIED, False),
        (401, "validation_error", "API key is invalid", False),
        (400, "validation_error", UNVERIFIED, False),
        (422, "validation_error", UNVERIFIED, False),
    ],
)
def test_only_a_403_that_speaks_of_the_sender_is_about_this_from_alone(
    status: int, name: str, message: str | None, is_about_sender: bool
) -> None:
    answer = httpx.Response(status, json={"statusCode": status, "name": name, "message": message})
    assert RESEND.read(answer).is_about_sender is is_about_sender


def test_too_fast_is_left_alone_for_as_long_as_it_says() -> None:
    told = {"name": "rate_limit_exceeded"}
    assert RESEND.read(httpx.Response(429, json=told, headers={"retry-after": "7"})).retry_after_s == 7
