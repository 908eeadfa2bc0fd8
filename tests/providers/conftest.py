"""The providers over which the contract suite runs."""

from collections.abc import Iterator

import pytest

from app.providers import registry
from app.providers.sdk.contract import AnyProvider
from app.providers.sdk.http_transport import HttpTransport
from tests.providers.calls import PATIENT_S
from tests.providers.case import CASES, Case

# The example cannot be installed into a tree that has it: there, it is a provider like every other.
collect_ignore = ["test_made_up_is_installed.py"] if "made_up" in registry.PROVIDERS else []


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    """Each provider's name in turn."""
    return str(request.param)


@pytest.fixture
def case(name: str) -> Case:
    """Each provider in turn, with its other end."""
    return CASES[name]


@pytest.fixture
def provider(case: Case) -> AnyProvider:
    """Each provider in turn, at an address that nothing is ever sent to."""
    return case.make("https://api.invalid")


@pytest.fixture
def transport() -> Iterator[HttpTransport]:
    """A transport that waits longer than any machine needs."""
    transport = HttpTransport(PATIENT_S, PATIENT_S)
    yield transport
    transport.close()
