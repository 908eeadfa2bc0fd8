"""Writes a provider's health as answers and the command line show it."""

from app.api import times
from app.api.v1 import call_views
from app.api.v1 import provider_shapes as shapes
from app.domain.calls import Calls
from app.domain.health import Health


def write(health: Health, recent: Calls, now_ms: int, *, with_words: bool) -> shapes.ProviderHealth:
    """The provider. `with_words`: with what it said when its breaker opened, of an email that may be anybody's."""
    cools_down = health.cooldown_until_ms is not None and now_ms < health.cooldown_until_ms
    return shapes.ProviderHealth(
        name=health.provider,
        weight=health.weight,
        paused=health.paused,
        breaker=shapes.ProviderBreaker(
            open=health.breaker_until_ms is not None,
            reason=(health.breaker_reason or None) if with_words else None,
            until=times.write_optional(health.breaker_until_ms),
        ),
        cooldown_until=times.write_optional(health.cooldown_until_ms) if cools_down else None,
        silent=health.silent,
        webhooks_failing=health.webhooks_failing,
        usual_share=health.usual_share or None,
        epoch=health.epoch,
        recent=call_views.write(recent),
    )


def write_changed(provider: shapes.ProviderHealth, in_force_since_ms: int) -> shapes.ChangedProvider:
    """The provider after an operator has changed its health, since when every process keeps to it."""
    return shapes.ChangedProvider(**dict(provider), in_force_since=times.write(in_force_since_ms))
