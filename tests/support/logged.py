"""What was logged, as tests ask for it."""

import pytest


def reasons(caplog: pytest.LogCaptureFixture, message: str) -> list[str]:
    """The `reason` of each line with this message."""
    return [vars(record)["reason"] for record in caplog.records if record.getMessage() == message]
