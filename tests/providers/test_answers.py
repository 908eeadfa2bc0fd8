"""Retry-After as a date, in the spellings that servers use."""

import httpx
import pytest

from app.providers.answers import header_s

NOW = "Tue, 24 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Tue, 24 Nov 2026 10:01:30 GMT", 90),
        ("Tue, 24 Nov 2026 10:01:30 +0000", 90),
        ("Tue, 24 Nov 2026 10:01:30 -0000", 90),  # RFC 5322: UTC, but not the server's own zone
        ("Tue, 24 Nov 2026 11:01:30 +0100", 90),
        ("Tue, 24 Nov 2026 05:01:30 -0500", 90),
    ],
)
def test_a_date_is_read_in_its_zone(date: str, seconds: float) -> None:
    assert header_s(httpx.Response(429, headers={"Retry-After": date, "Date": NOW})) == seconds


@pytest.mark.parametrize("date", ["Tue, 24 Nov 2026 10:00:00 -0000", "Tue, 24 Nov 2026 11:00:00 +0100"])
def test_the_servers_own_date_is_read_in_its_zone_too(date: str) -> None:
    retry_after = "Tue, 24 Nov 2026 10:01:30 GMT"
    assert header_s(httpx.Response(429, headers={"Retry-After": retry_after, "Date": date})) == 90
