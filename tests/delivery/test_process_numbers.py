"""The numbers of the running processes that a promise of the documentation rests on, as literals.

The other tests use the constants by name, so they would not notice a wrong one.
"""

from app.delivery.health_cache import CACHE_FOR_S
from app.delivery.monitor import IN_FORCE_AFTER_S
from app.wiring.parts import LEASE_MARGIN_S
from app.wiring.stores import NONCE_LIFETIME_S


def test_an_operators_pause_is_in_force_when_it_is_answered_after_two_and_a_half_seconds() -> None:
    assert (CACHE_FOR_S, IN_FORCE_AFTER_S) == (2, 2.5)


def test_a_lease_outlives_its_worker_by_ten_seconds() -> None:
    assert LEASE_MARGIN_S == 10


def test_a_signatures_token_is_kept_for_longer_than_any_webhook_is_believed() -> None:
    assert NONCE_LIFETIME_S == 93_600  # 26 hours; webhooks are believed for 24
