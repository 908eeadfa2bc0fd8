"""The API in this process, over a container of the product's own builder and the AWS of moto."""

import asyncio
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import botocore.session
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from moto import mock_aws
from starlette.types import ASGIApp

from app import main
from app.api.application import create
from app.providers.sdk.web import Web
from app.settings import Process
from app.store import tables
from app.store.head_items import HeadItem
from app.wiring import process
from app.wiring.parts import Container
from app.wiring.process import connect
from tests.support.clock import Clock
from tests.support.environment import ADDRESS_SECRET
from tests.support.feed_writer import NOTIFY_SETTINGS, make_topic

REGION = "us-east-1"


class Client:
    """Sends requests to an ASGI app, with an API key unless told otherwise."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app, self.key = app, key

    def request(self, method: str, url: str, *, key: str | None = "", **options: Any) -> httpx.Response:
        """One request; `key` None: without one."""
        if key is not None:
            options["headers"] = {"Authorization": f"Bearer {key or self.key}"} | options.get("headers", {})
        return asyncio.run(self._send(method, url, options))

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> httpx.Response:
        return self.request("POST", url, **options)

    async def _send(self, method: str, url: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            return await client.request(method, url, **options)


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@contextmanager
def installed(clock: Clock, web: Web | None = None, **changes: str) -> Iterator[Container]:
    """A container over empty tables of moto's; `changes` are variables of its environment."""
    with mock_aws():
        topic_arn = _client("sns").create_topic(Name="attempts")["TopicArn"]
        _client("s3").create_bucket(Bucket="api-content")
        env = {
            "AWS_REGION": REGION,
            "TABLE_PREFIX": "api-",
            "TOPIC_ARN": topic_arn,
            "CONTENT_BUCKET": "api-content",
            "ADDRESS_SECRET": ADDRESS_SECRET,
            "PROVIDERS": "sendgrid,mailgun,ses",
            "SENDGRID_API_KEY": "SG.test",
            "SENDGRID_WEBHOOK_PUBLIC_KEY": _public_key(),
            "MAILGUN_API_KEY": "test",
            "MAILGUN_DOMAIN": "mg.example.com",
            "MAILGUN_WEBHOOK_SIGNING_KEY": "signing-key",
            "SES_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:ses-events",
        }
        found = connect(env | changes, clock=clock, web_of=(lambda _: web) if web else None, wait=clock.advance)
        tables.create_all()
        yield found


@pytest.fixture(scope="module")
def parts(clock: Clock) -> Iterator[Container]:
    """The container, over tables of this module's own."""
    with installed(clock) as found:
        yield found


@pytest.fixture
def empty(clock: Clock) -> Iterator[Container]:
    """A container over tables of this test's own, which are empty."""
    with installed(clock) as found:
        yield found


@pytest.fixture
def notifying(clock: Clock) -> Iterator[Container]:
    """A container of this test's own that tells applications what becomes of their emails."""
    with installed(clock, None, **NOTIFY_SETTINGS) as found:
        make_topic()
        yield found


def _public_key() -> str:
    """A SendGrid verification key whose private half is forgotten."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def _client(service: str) -> Any:
    return botocore.session.get_session().create_client(service, region_name=REGION)


@pytest.fixture(scope="module")
def app(parts: Container) -> FastAPI:
    return create(lambda: parts)


@pytest.fixture(scope="module")
def client(app: FastAPI, parts: Container) -> Client:
    """With a key that may do everything."""
    return Client(app, parts.api_keys.create("all", {"admin"}, ()))


@pytest.fixture(scope="module")
def deployed(parts: Container) -> Iterator[None]:
    """The deployed application, over the container of the tests, for `tests.support.gateway.call`."""
    main.app.state.connect = lambda: parts
    yield
    main.app.state.connect = partial(process.container, Process.API)


@pytest.fixture
def nothing_stored(parts: Container) -> Iterator[None]:
    """The test must leave the table of emails as it was."""
    before = HeadItem.count()
    yield
    assert HeadItem.count() == before
