"""Each door reads its own secret, and starts without what is in the other's."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from app import main
from app.admin.stored_secrets import split
from app.errors import ConfigurationError
from app.settings import Process
from app.wiring import process
from app.wiring.parts import Container
from tests.providers.case import CASES
from tests.support.aws import Aws, client
from tests.support.environment import WEBHOOK_SECRET, environment
from tests.support.provider_server import ProviderServer
from workers import attempts

KNOWN = {name: value for case in CASES.values() for name, value in case.variables.items()}


@pytest.fixture
def doors(aws: Aws, server: ProviderServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`doors(PROCESS)` lets this process be one that reads the secret of that one, as `secrets store` divides it.

    Further variables are those that somebody wrote into the secret by hand.
    """
    root = logging.getLogger()
    before = list(root.handlers), root.level
    whole = {**environment(aws, aws.queue(), server.url, "doors-"), **KNOWN}
    secret = {name: whole.pop(name) for name in list(whole) if name.startswith(("SENDGRID_", "MAILGUN_", "RESEND_"))}
    secret |= {"ADDRESS_SECRET": whole.pop("ADDRESS_SECRET"), "WEBHOOK_SECRET": WEBHOOK_SECRET}
    manager: Any = client(aws.endpoint_url, "secretsmanager")
    for name, value in {**whole, "PROVIDERS": "sendgrid,mailgun"}.items():
        monkeypatch.setenv(name, value)
    for name in secret:
        monkeypatch.delenv(name, raising=False)

    def become(one: Process, **by_hand: str) -> None:
        process.container.cache_clear()
        name = f"doors/{uuid4().hex}"
        manager.create_secret(Name=name, SecretString=json.dumps({**split(secret)[one], **by_hand}))
        monkeypatch.setenv("SECRET_NAME", name)

    yield become
    root.handlers, root.level = before
    process.container.cache_clear()


def open_api() -> Container:
    found = main.app.state.connect()
    assert isinstance(found, Container)
    return found


def open_worker() -> object:
    return attempts.handler({"Records": []}, None)


def test_each_door_opens_with_its_own_secret(doors: Callable[..., None]) -> None:
    doors(Process.API)
    parts = open_api()
    assert list(parts.providers) == ["sendgrid", "mailgun"]
    assert not parts.providers["mailgun"].api_key  # type: ignore[attr-defined] # because it is Mailgun
    assert parts.providers["mailgun"].signing_keys  # type: ignore[attr-defined] # because it is Mailgun
    parts.close()
    doors(Process.WORKER)
    assert open_worker() == {"batchItemFailures": []}
    parts = process.container(Process.WORKER)
    assert parts.providers["mailgun"].api_key  # type: ignore[attr-defined] # because it is Mailgun
    assert not parts.providers["mailgun"].signing_keys  # type: ignore[attr-defined] # because it is Mailgun
    parts.close()


def test_a_worker_does_not_open_with_the_api_s_secret(doors: Callable[..., None]) -> None:
    doors(Process.API)
    with pytest.raises(ConfigurationError, match=r"^not set: SENDGRID_API_KEY, MAILGUN_API_KEY$"):
        open_worker()


def test_an_api_with_the_worker_s_secret_believes_no_webhook(doors: Callable[..., None]) -> None:
    doors(Process.WORKER)
    parts = open_api()
    assert not parts.providers["mailgun"].signing_keys  # type: ignore[attr-defined] # because it is Mailgun
    parts.close()


def test_what_the_sweep_would_not_know_is_not_read_from_a_secret(
    doors: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    doors(Process.API, PROVIDERS="resend", ROUTING="weighted")
    parts = open_api()
    assert parts.settings.routing.policy == "priority"
    parts.close()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["PROVIDERS", "ROUTING"] in [line.get("variables") for line in lines if line["level"] == "WARNING"]
