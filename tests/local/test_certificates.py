import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.session import Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from app.domain.event import Webhook
from app.errors import ServiceUnavailable, Unauthenticated
from app.local import certificates, environment, health, programs
from app.local.children import Child
from app.local.environment import deployed
from app.local.mode import LocalError
from app.local.paths import Paths
from app.local.simulator.accounts import open_account
from app.local.simulator.dialect import Subscriber
from app.providers.registry import Accounts
from app.providers.sdk.contract import Outside
from app.providers.sdk.web import Web, internet
from tests.providers.case import CASES
from tests.providers.peer import answer, peer
from tests.providers.ses import case

Env = dict[str, str]
HOST = "sns.us-east-1.amazonaws.com"
URL = f"https://{HOST}/SimpleNotificationService-0123.pem"


@pytest.fixture
def simulated(env: Env) -> Iterator[Env]:
    """A deployed environment whose simulator runs."""
    with playing(deployed(env)) as made:
        yield made


@contextmanager
def playing(made: Env) -> Iterator[Env]:
    """The simulator runs with these variables."""
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


@pytest.fixture
def authority(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for SNS's host, whose certificate an authority has signed, and a client's that trusts that."""
    root_key, host_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate("authority", "authority", root_key.public_key(), root_key, x509.BasicConstraints(True, None))
    names = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    host = _certificate("sns", "authority", host_key.public_key(), root_key, names)
    (tmp_path / "root.pem").write_bytes(root)
    private = host_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "host.pem").write_bytes(host + root + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "host.pem")
    return server, ssl.create_default_context(cafile=str(tmp_path / "root.pem"))


def _certificate(
    name: str,
    issuer: str,
    key: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> bytes:
    subject, by = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, issuer))
    now, hour = datetime.now(UTC), timedelta(hours=1)
    draft = x509.CertificateBuilder(by, subject, key, x509.random_serial_number(), now - hour, now + hour)
    return draft.add_extension(extension, critical=True).sign(signer, SHA256()).public_bytes(Encoding.PEM)


def test_a_real_account_believes_aws_and_a_simulated_one_the_simulator(
    env: Env, authority: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """Nothing but the name's address is another than on the internet: TLS, the chain and the signature are checked."""
    at_s = time.time()
    env = deployed({**env, "PROVIDERS": "ses,ses:lab", **CASES["ses"].variables})
    assert environment.real(env) == ("ses",)
    lab = open_account("ses:lab", Paths.of(env).simulator)
    assert isinstance(lab.dialect, Subscriber)
    request = lab.dialect.request_to_confirm(lab.key)[1]
    simulators = Webhook(request.body, {name.lower(): value for name, value in request.headers.items()})
    genuine = case.post(case.sign(case.envelope("hello", at_s)))
    signs = case.certify(case.KEY, at_s)
    with playing(env), peer(answer(httpx.Response(200, content=signs)), authority[0]) as server:

        def lookup(host: str, port: int, *_: int) -> list[tuple[Any, ...]]:
            assert (host, port) == (HOST, 443)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]

        trusting, doubting = internet(lambda: authority[1], lookup), internet(lookup=lookup)
        accounts = _accounts(env, trusting)
        accounts["ses"].verify(genuine, at_s)
        assert server.connections == 1
        accounts["ses:lab"].verify(simulators, at_s)
        assert server.connections == 1
        for account, webhook in (("ses", simulators), ("ses:lab", genuine)):
            with pytest.raises(Unauthenticated):
                accounts[account].verify(webhook, at_s)
        # The simulator's key proves nothing of the real topic, although it signs for the same host.
        forged = case.envelope("hello", at_s)
        with pytest.raises(Unauthenticated, match="signature is wrong"):
            accounts["ses"].verify(case.post(case.sign(forged, private_key(lab.key))), at_s)
        with pytest.raises(ServiceUnavailable, match="cannot be fetched now"):
            _accounts(env, doubting)["ses"].verify(genuine, at_s)
        before = server.connections
        certificates.chooser(env, trusting)("ses").confirm(case.SUBSCRIBE_URL)
        assert server.connections == before + 1


def private_key(pem: bytes) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _accounts(env: Env, outside: Web) -> Accounts:
    web_of = certificates.chooser(env, outside)
    return Accounts(("ses", "ses:lab"), env, lambda account: Outside(Session(), web_of(account).certificate))


def test_without_a_simulator_nothing_is_fetched(env: Env) -> None:
    made = deployed(env)
    with pytest.raises(ServiceUnavailable):
        certificates.fetcher(made)(URL)
    with pytest.raises(ServiceUnavailable):
        certificates.confirmer(made)(URL)
