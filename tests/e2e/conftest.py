"""Whole installations, started once and shared."""

from collections.abc import Iterator

import pytest

from tests.conftest import free_port
from tests.support.installation import Installation

# Short waits, so that a test sees their ends; every other setting is the default.
QUICK = {"UNCERTAIN_WAIT_S": "2", "PROVIDER_TIMEOUT_S": "2", "WORKER_TIMEOUT_S": "5"}


def _running(tmp: pytest.TempPathFactory, settings: dict[str, str]) -> Iterator[Installation]:
    installation = Installation(tmp.mktemp("e2e"), (free_port(), free_port(), free_port()), settings)
    installation.start()
    yield installation
    installation.close()


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    yield from _running(tmp_path_factory, QUICK)


@pytest.fixture
def installation(_shared: Installation) -> Installation:
    """An installation whose providers all work and whose inbox is empty."""
    _shared.calm()
    return _shared


@pytest.fixture(scope="module")
def resend_first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One that asks Resend, then Mailgun."""
    yield from _running(tmp_path_factory, {**QUICK, "PROVIDERS": "resend,mailgun"})


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One that gives up when no provider is left."""
    yield from _running(tmp_path_factory, {**QUICK, "RETRY_FOR_S": "0"})


@pytest.fixture(scope="module")
def two_accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One with two accounts at the same provider, which writes metrics."""
    settings = {"PROVIDERS": "sendgrid,sendgrid:eu", "POWERTOOLS_METRICS_NAMESPACE": "EmailsMinder"}
    yield from _running(tmp_path_factory, {**QUICK, **settings})


@pytest.fixture(scope="module")
def every_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One with an account at every provider, and two at Mailgun."""
    yield from _running(tmp_path_factory, {**QUICK, "PROVIDERS": "sendgrid,mailgun,mailgun:eu,ses,resend"})
