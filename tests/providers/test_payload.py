"""Times as providers write them."""

import pytest

from app.api import times
from app.providers.sdk import payload

LAST_MS = 253_402_300_799_999


@pytest.mark.parametrize(
    ("value", "at_ms"),
    [
        (1_760_000_001.5, 1_760_000_001_500),
        (253_402_300_799.9999, LAST_MS),
        (253_402_300_799, LAST_MS - 999),
        (253_402_300_800, None),
        (10**400, None),
        (float("inf"), None),
        (float("nan"), None),
        (0, None),
        (-1, None),
        (True, None),
        ("1760000001", 1_760_000_001_000),
        ("soon", None),
    ],
)
def test_a_time_is_within_the_years_that_a_story_can_write(value: object, at_ms: int | None) -> None:
    assert payload.at_ms(value) == at_ms
    assert at_ms is None or times.write(at_ms).startswith(("2025-", "9999-12-31T23:59:59"))
