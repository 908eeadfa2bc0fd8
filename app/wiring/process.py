"""Builds a whole process, over real AWS clients and the providers of the settings."""

import os
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import cache

import botocore.session
from botocore.session import Session

from app import vault
from app.delivery.ports import Clock
from app.errors import ConfigurationError
from app.providers import credentials
from app.providers.contract import Provider
from app.providers.mailgun import Mailgun
from app.providers.resend import Resend
from app.providers.sendgrid import SendGrid
from app.providers.ses import Ses
from app.providers.transport import CredentialsCheck, Transport
from app.providers.web import Web, internet
from app.settings import Settings
from app.store import tables
from app.topic import Topic
from app.wiring import aws
from app.wiring.parts import Container, Stores, build


def connect(
    settings: Settings,
    *,
    clock: Clock = time.time,
    web: Web | None = None,
    session: Session | None = None,
) -> Container:
    """The parts of a process with these settings. Raises ConfigurationError naming what is missing.

    `web` replaces the fetches that webhooks cause: a laptop must not fetch the simulator's certificate from AWS.
    """
    _require(settings)
    session = session or botocore.session.get_session()
    tables.connect(settings.table_prefix, settings.aws_region, settings.aws_endpoint_url)
    web = web or internet()
    transport = Transport(timeout_s=settings.provider_timeout_s)
    providers = _providers(settings, session, web)
    topic = Topic(aws.client(session, settings, "sns"), settings.topic_arn)
    container = build(
        settings,
        topic.publish,
        lambda name, message: transport.send(providers[name], message),
        clock,
        stores=Stores.over(lambda: aws.client(session, settings, "s3"), settings.content_bucket),
        providers=providers,
        confirm=web.confirm,
    )
    return replace(container, close=transport.close)


@cache
def container() -> Container:
    """The container of a deployed process, built once, from the environment, at the first event."""
    session, settings = aws.deployed()
    if settings.secret_name:
        secrets = vault.read(aws.client(session, settings, "secretsmanager"), settings.secret_name)
        settings = Settings.from_env({**secrets, **os.environ})
    return connect(settings, session=session)


def check_credentials(settings: Settings, name: str) -> CredentialsCheck:
    """Whether the credentials of one provider work. `settings.missing(name)` must be empty."""
    provider = _providers(settings, botocore.session.get_session(), internet())[name]
    with closing(Transport(settings.provider_timeout_s)) as transport:
        return transport.check_credentials(provider)


def _providers(settings: Settings, session: Session, web: Web) -> dict[str, Provider]:
    makers: dict[str, Callable[[], Provider]] = {
        "sendgrid": lambda: SendGrid(
            settings.sendgrid.api_key, settings.sendgrid.webhook_public_keys, settings.sendgrid.base_url
        ),
        "mailgun": lambda: Mailgun(
            settings.mailgun.api_key,
            settings.mailgun.domain,
            settings.mailgun.webhook_signing_keys,
            settings.mailgun.base_url,
        ),
        "ses": lambda: Ses(
            settings.ses.region,
            settings.ses.configuration_set,
            settings.ses.topic_arns,
            credentials.of(settings.ses.access_key_id, settings.ses.secret_access_key, session),
            web.certificate,
            settings.ses.base_url,
        ),
        "resend": lambda: Resend(settings.resend.api_key, settings.resend.webhook_secrets, settings.resend.base_url),
    }
    return {name: makers[name]() for name in settings.providers}


def _require(settings: Settings) -> None:
    missing = [name for provider_name in settings.providers for name in settings.missing(provider_name)]
    missing += [] if settings.providers else ["PROVIDERS"]
    missing += [
        name
        for name, value in {"TOPIC_ARN": settings.topic_arn, "CONTENT_BUCKET": settings.content_bucket}.items()
        if not value
    ]
    if missing:
        raise ConfigurationError(f"not set: {', '.join(missing)}")
