import threading
from collections.abc import Iterator

import pytest

from app.errors import ServiceUnavailable
from app.local import certificates, environment, health, programs
from app.local.children import Child
from app.local.environment import deployed
from app.local.mode import LocalError
from app.local.paths import Paths
from app.local.simulator.accounts import open_account
from app.local.simulator.dialect import Subscriber

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
    account = open_account("ses", Paths.of(simulated).simulator)
    assert isinstance(account.dialect, Subscriber)
    assert certificates.fetcher(simulated)(URL).decode() == account.dialect.certificate(account.key)


def test_a_subscription_that_the_simulator_does_not_know_is_not_confirmed(simulated: Env) -> None:
    with pytest.raises(ServiceUnavailable):
        certificates.confirmer(simulated)("https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=x")


def test_it_says_where_the_simulated_providers_listen(simulated: Env) -> None:
    health.checks(simulated)["simulator"]()
    urls = environment.simulator_base_urls({**simulated, "MAILGUN_API_KEY": "key-of-our-own"})
    assert set(urls) == {"SENDGRID_BASE_URL", "SES_BASE_URL"}
    assert all(url.startswith("http://127.0.0.1:") for url in urls.values())


def test_the_simulator_that_runs_must_play_what_providers_names(simulated: Env) -> None:
    with pytest.raises(LocalError, match="does not play resend: restart it"):
        environment.simulator_base_urls({**simulated, "PROVIDERS": "sendgrid,resend"})


def test_a_key_that_was_made_after_the_simulator_had_started_disturbs_nobody(simulated: Env) -> None:
    deployed({**simulated, "PROVIDERS": "sendgrid:eu"})
    assert "sendgrid:eu" in environment.simulated(simulated)
    health.checks(simulated)["simulator"]()


def test_an_account_that_left_providers_is_still_played(env: Env) -> None:
    deployed({**env, "PROVIDERS": "sendgrid:eu"})
    # So is one that the team reaches in another way: a proxy may stand between.
    command = programs.simulator(deployed({**env, "SENDGRID_API_KEY": "SG.own"})).command
    assert command[command.index("--accounts") + 1] == "sendgrid,mailgun,ses,sendgrid:eu"


def test_without_a_simulator_nothing_is_fetched(env: Env) -> None:
    made = deployed(env)
    with pytest.raises(ServiceUnavailable):
        certificates.fetcher(made)(URL)
    with pytest.raises(ServiceUnavailable):
        certificates.confirmer(made)(URL)
