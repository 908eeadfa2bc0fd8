"""Every provider is told the same of an email's tracking, as both sides of each understand it."""

from dataclasses import replace

import botocore.session
import pytest

from app.domain.account import prefix_of
from app.domain.email import Message, Tracking
from app.local.simulator import accounts
from app.local.simulator.dialect import Call
from app.local.simulator.mail import Mail
from app.providers import registry
from app.providers.sdk.contract import Outside
from app.providers.sdk.limits import ALL_TRACKING
from tests.providers.case import SAMPLE

EVERY = [Tracking(opens, clicks) for opens in (False, True) for clicks in (False, True)]
OUTSIDE = Outside(botocore.session.get_session(), lambda _: b"")


def taken(name: str, message: Message) -> Mail:
    """The message as the simulated provider reads it out of the call that is built for it."""
    variables = accounts.credentials(name) | {f"{prefix_of(name)}BASE_URL": "http://127.0.0.1:1"}
    request = registry.open_account(name, variables, OUTSIDE).build(message)
    headers = {header.lower(): value for header, value in request.headers.items()}
    return accounts.dialect_of(name).read(Call("POST", request.url.path, "", headers, request.content))


@pytest.mark.parametrize("name", registry.PROVIDERS)
@pytest.mark.parametrize("tracking", EVERY)
def test_the_provider_is_told_what_its_table_says_that_it_is(name: str, tracking: Tracking) -> None:
    told = taken(name, replace(SAMPLE, tracking=tracking)).tracking
    for field in ALL_TRACKING:
        is_told = field in registry.limits(name).tracking.value
        assert getattr(told, field) is (getattr(tracking, field) if is_told else None), field


@pytest.mark.parametrize("name", registry.PROVIDERS)
def test_an_email_that_asks_for_nothing_is_told_not_to_be_tracked(name: str) -> None:
    told = taken(name, SAMPLE).tracking
    assert [field for field in registry.limits(name).tracking.value if getattr(told, field) is not False] == []


@pytest.mark.parametrize("tracking", EVERY)
def test_all_that_can_be_told_are_told_the_same(tracking: Tracking) -> None:
    able = [name for name in registry.PROVIDERS if registry.limits(name).tracking.value == ALL_TRACKING]
    assert len(able) > 2
    assert len({taken(name, replace(SAMPLE, tracking=tracking)).tracking for name in able}) == 1


@pytest.mark.parametrize("name", registry.PROVIDERS)
def test_a_table_names_what_an_email_can_ask_for(name: str) -> None:
    assert registry.limits(name).tracking.value <= ALL_TRACKING == {"opens", "clicks"}
