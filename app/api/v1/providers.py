"""The calls about providers: their health, and an operator's pause and resume."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path

from app.api.auth import Operator, Parts, Reader, is_operator, short_id
from app.api.openapi import answer, errors, refusals
from app.api.threads import Route
from app.api.v1 import examples, provider_views
from app.api.v1 import provider_shapes as shapes
from app.domain import health as health_rules
from app.domain.calls import NO_CALLS, Calls
from app.domain.health import Health
from app.errors import NotFound
from app.store.api_keys import ApiKey
from app.wiring.parts import Container

logger = logging.getLogger(__name__)
router = APIRouter(route_class=Route, tags=["providers"])

_UNKNOWN = NotFound("no such provider is configured")

Name = Annotated[str, Path(description="the account, as PROVIDERS names it", examples=[examples.ACCOUNT])]


@router.get(
    "/v1/providers",
    responses=answer(examples.PROVIDERS) | refusals("read"),
)
def list_providers(key: Reader, parts: Parts) -> shapes.ProviderList:
    """List the health of each provider. It is a few seconds old at most.

    A breaker's `reason` is in the provider's words about some email, and for keys with the scope `admin` only.
    """
    healths, recent, now_ms = parts.monitor.healths(), parts.recent_calls(), int(parts.clock() * 1000)
    return shapes.ProviderList(
        providers=[_view(healths[name], recent.get(name, NO_CALLS), now_ms, key) for name in parts.settings.providers]
    )


@router.post(
    "/v1/providers/{name}/pause",
    responses=answer(examples.PAUSED) | refusals("admin") | errors(_UNKNOWN),
)
def pause_provider(name: Name, key: Operator, parts: Parts) -> shapes.ChangedProvider:
    """Send nothing through this provider, not even in an email's last round, until it is resumed.

    It is in force when this call answers, some seconds after it was asked.
    """
    return _change(name, health_rules.pause, "provider paused", key, parts)


@router.post(
    "/v1/providers/{name}/resume",
    responses=answer(examples.RESUMED) | refusals("admin") | errors(_UNKNOWN),
)
def resume_provider(name: Name, key: Operator, parts: Parts) -> shapes.ChangedProvider:
    """Clear the provider's pause, breaker, cooldown and weight. What was counted before no longer counts.

    It is in force when this call answers, some seconds after it was asked. Emails that wait for the provider are tried
    within two minutes.
    """
    now_ms = int(parts.clock() * 1000)
    return _change(name, partial(health_rules.resume, now_ms=now_ms), "provider resumed", key, parts)


def _change(
    name: str, change: Callable[[Health], Health], message: str, key: ApiKey, parts: Container
) -> shapes.ChangedProvider:
    if name not in parts.settings.providers:
        raise NotFound("no such provider is configured")
    health, in_force_since_ms = parts.monitor.put_in_force(name, change)
    logger.warning(message, extra={"provider": name, "key_id": short_id(key)})
    view = _view(health, parts.recent_calls.of(health), int(parts.clock() * 1000), key)
    return provider_views.write_changed(view, in_force_since_ms)


def _view(health: Health, recent: Calls, now_ms: int, key: ApiKey) -> shapes.ProviderHealth:
    return provider_views.write(health, recent, now_ms, with_words=is_operator(key))
