"""The bench of receivers on this machine: each email and each change is measured, alone and beside those that fail."""

import pytest

from bench import local_receivers
from bench.local_receivers import Measured, compare, ratios
from bench.receiver_servers import ILL, WELL


def test_ratios_are_of_medians_and_of_the_slowest() -> None:
    found = ratios(Measured([10.0] * 40, [20.0] * 40), Measured([15.0] * 40, [50.0] * 40))
    assert found == "sending median 1.50, p95 1.50; recorded to received median 2.50, p95 2.50"


def test_each_email_is_measured_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_receivers, "WARM_UP", 2)
    alone, beside = compare(4, 20, 1)
    for measured in (alone, beside):
        assert len(measured.sent_ms) == 4
        assert min(measured.sent_ms) > 0
        assert len(measured.came_ms) >= 4
        assert measured.calls[WELL] >= 6
    assert not any(alone.calls[name] for name in ILL)
    assert all(beside.calls[name] for name in ILL)
