"""Times as providers write them."""

import json

import pytest

from app.api import times
from app.domain.event import Webhook
from app.domain.kinds import Kind
from app.providers.sdk import payload
from tests.providers.case import CASES

LAST_MS = 253_402_300_799_999


@pytest.mark.parametrize(
    ("value", "at_ms"),
    [
        (1_760_000_001.5, 1_760_000_001_500),
        (253_402_300_799.9999, LAST_MS),
        (253_402_300_799, LAST_MS - 999),
        (253_402_300_800, LAST_MS),
        (1_760_000_001_500, LAST_MS),  # of milliseconds
        ("1760000001500", LAST_MS),
        (1_760_000_001_500_000_000, LAST_MS),
        (10**400, None),
        (float("inf"), None),
        (float("nan"), None),
        (0, 0),
        (-1, None),
        (True, None),
        ("1760000001", 1_760_000_001_000),
        ("soon", None),
    ],
)
def test_a_time_is_within_the_years_that_a_story_can_write(value: object, at_ms: int | None) -> None:
    assert payload.at_ms(value) == at_ms
    assert at_ms is None or times.write(at_ms).startswith(("1970-", "2025-", "9999-12-31T23:59:59"))


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2025-10-09T08:53:21.5Z", 1_760_000_001_500),
        ("9999-12-31T23:59:59.999Z", LAST_MS),
        ("9999-12-31T23:59:59-12:00", LAST_MS),
        ("10000-01-01T00:00:00Z", LAST_MS),
        ("+012026-01-01T00:00:00Z", LAST_MS),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59Z", None),
        ("0001-01-01T00:00:00+12:00", None),
        ("99999", None),
        ("", None),
    ],
)
def test_a_written_time_is_within_the_same_years(text: str, at_ms: int | None) -> None:
    assert payload.iso_ms(text) == at_ms


YEARS_MS = {
    "sendgrid": [{"email": "bo@example.com", "event": "delivered", "timestamp": 1_760_000_001_500}],
    "mailgun": {"event-data": {"recipient": "bo@example.com", "event": "delivered", "timestamp": 253_402_300_800.5}},
    "resend": {"type": "email.delivered", "created_at": "10000-01-01T00:00:00Z", "data": {"to": ["bo@example.com"]}},
}


@pytest.mark.parametrize("name", YEARS_MS)
def test_a_report_counts_though_its_time_is_beyond_the_year_9999(name: str) -> None:
    events = CASES[name].make("https://api.invalid").parse(Webhook(json.dumps(YEARS_MS[name]).encode(), {}))
    assert isinstance(events, list)
    assert [(event.kind, event.at_ms) for event in events] == [(Kind.DELIVERED, LAST_MS)]
