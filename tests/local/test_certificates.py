import threading
from collections.abc import Iterator

import pytest

from app.errors import ServiceUnavailable
from app.local import certificates, environment, health, programs
from app.local.children import Child
from app.local.environment import deployed
from app.local.paths import Paths
from app.local.simulator import keys

Env = dict[str, str]
URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123.pem"


@pytest.fixture
def simulated(env: Env) -> Iterator[Env]:
    """A deployed environment whose simulator runs."""
    made = deployed(env)
    child = Child(programs.simulator(made), [])
    try:
        child.wait_until_ready(20, threading.Event())
        yield made
    finally:
        child.stop(grace_s=10)


def test_the_simulator_answers_for_aws(simulated: Env) -> None:
    expected = keys.load_or_create(Paths.of(simulated).simulator).sns_certificate_pem
    assert certificates.fetcher(simulated)(URL).decode() == expected


def test_a_subscription_that_the_simulator_does_not_know_is_not_confirmed(simulated: Env) -> None:
    with pytest.raises(ServiceUnavailable):
        certificates.confirmer(simulated)("https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=x")


def test_it_says_where_the_simulated_providers_listen(simulated: Env) -> None:
    health.checks(simulated)["simulator"]()
    urls = environment.simulator_base_urls({**simulated, "MAILGUN_API_KEY": "key-of-our-own"})
    assert set(urls) == {"SENDGRID_BASE_URL", "SES_BASE_URL", "RESEND_BASE_URL"}
    assert all(url.startswith("http://127.0.0.1:") for url in urls.values())


def test_without_a_simulator_nothing_is_fetched(env: Env) -> None:
    made = deployed(env)
    with pytest.raises(ServiceUnavailable):
        certificates.fetcher(made)(URL)
    with pytest.raises(ServiceUnavailable):
        certificates.confirmer(made)(URL)
