"""The shapes of answers about providers. Class names are schema names in the OpenAPI document."""

from typing import Annotated

from pydantic import BaseModel, Field

from app.api.v1.call_views import RecentCalls
from app.api.v1.views import Time


class ProviderBreaker(BaseModel):
    """A provider's breaker. While it is open, nothing is sent before `until`, and after that one email at a time."""

    open: bool
    reason: str | None
    until: Time | None


class ProviderHealth(BaseModel):
    """A provider's health, as all processes know it."""

    name: str
    weight: Annotated[int, Field(description="0 to 100; below 50 the provider is tried after the others")]
    paused: bool
    breaker: ProviderBreaker
    cooldown_until: Annotated[Time | None, Field(description="it throttled us, and is not called before this time")]
    silent: Annotated[bool, Field(description="the provider accepts emails, but reports on fewer of them than usual")]
    webhooks_failing: Annotated[
        bool,
        Field(description="its reports do not get through to us, and the fault is ours; it is not judged meanwhile"),
    ]
    usual_share: Annotated[
        float | None,
        Field(description="the share of accepted recipients that it usually reports on; null: not known yet"),
    ]
    epoch: Annotated[int, Field(description="how often the provider was resumed")]
    recent: Annotated[RecentCalls, Field(description="since the last resume; some seconds old")]


class ChangedProvider(ProviderHealth):
    """A provider after an operator has changed its health."""

    in_force_since: Annotated[Time, Field(description="since when every process keeps to the change")]


class ProviderList(BaseModel):
    """Every configured provider, in the configured order."""

    providers: list[ProviderHealth]
