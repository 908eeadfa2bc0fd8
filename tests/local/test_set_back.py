from dataclasses import replace

from app.domain.head import Status
from app.domain.health import Health
from app.local.set_back import bring_forward, bring_health_forward
from tests.support.samples import a_head

HOUR_MS = 3_600_000
NOW_MS = 1_800_000_000_000
WAS_MS = NOW_MS + HOUR_MS  # what the clock said before


def test_what_was_written_before_comes_as_much_earlier() -> None:
    head = a_head(WAS_MS, lease_until_ms=WAS_MS + 30_000, turn_ms=WAS_MS + 2_000)
    [(key, recipient)] = head.recipients.items()
    waits = replace(recipient, wait_until_ms=WAS_MS + 60_000, round_ends_at_ms=WAS_MS + 120_000)
    moved = bring_forward(replace(head, recipients={key: waits}), HOUR_MS, NOW_MS)
    assert (moved.lease_until_ms, moved.turn_ms) == (NOW_MS + 30_000, NOW_MS + 2_000)
    assert moved.recipients[key].wait_until_ms == NOW_MS + 60_000
    assert moved.recipients[key].round_ends_at_ms == NOW_MS + 120_000


def test_a_wait_that_was_over_by_the_old_clock_is_over() -> None:
    head = a_head(WAS_MS, lease_until_ms=WAS_MS - 5_000)
    assert bring_forward(head, HOUR_MS, NOW_MS).lease_until_ms == NOW_MS - 5_000


def test_what_was_written_since_stays() -> None:
    """A wait for evidence that ended early would send a second copy."""
    head = a_head(NOW_MS, lease_until_ms=NOW_MS + 30_000, turn_ms=NOW_MS + 2_000)
    [(key, recipient)] = head.recipients.items()
    head = replace(head, recipients={key: replace(recipient, wait_until_ms=NOW_MS + 60_000)})
    assert bring_forward(head, HOUR_MS, NOW_MS) == head


def test_a_schedule_stays_because_the_client_has_named_its_time() -> None:
    head = a_head(WAS_MS)
    [(key, recipient)] = head.recipients.items()
    waits = replace(recipient, status=Status.SCHEDULED, wait_until_ms=WAS_MS + 60_000)
    head = replace(head, recipients={key: waits}, send_at_ms=WAS_MS + 60_000)
    assert bring_forward(head, HOUR_MS, NOW_MS) == head


def test_a_head_and_a_health_without_waits_stay() -> None:
    head, health = a_head(WAS_MS), Health("one")
    assert bring_forward(head, HOUR_MS, NOW_MS) == head
    assert bring_health_forward(health, HOUR_MS, NOW_MS) is health


def test_a_breaker_a_cooldown_and_a_probe_end_as_much_earlier() -> None:
    health = Health(
        "one", breaker_until_ms=WAS_MS + 1, cooldown_until_ms=WAS_MS + 2, probe_until_ms=WAS_MS + 3, weight=40
    )
    moved = bring_health_forward(health, HOUR_MS, NOW_MS)
    assert moved == replace(
        health, breaker_until_ms=NOW_MS + 1, cooldown_until_ms=NOW_MS + 2, probe_until_ms=NOW_MS + 3
    )
