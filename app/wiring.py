"""The one file that knows every concrete part and builds them from settings; tests and laptops use the same builder."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.session import Session
from pynamodb.exceptions import PynamoDBException

from app import logs, vault
from app.delivery.accept import Accept
from app.delivery.attempt import Attempt
from app.delivery.cancel import Cancel
from app.delivery.explain import Explain
from app.delivery.monitor import Monitor
from app.delivery.ports import Clock
from app.delivery.read import Read
from app.delivery.record import Record
from app.delivery.survey import Surveyor
from app.delivery.sweep import Sweep
from app.domain.eligibility import Capability, verdicts
from app.domain.progress import Rules
from app.errors import ConfigurationError, Unavailable
from app.providers import credentials
from app.providers.contract import Provider
from app.providers.mailgun import Mailgun
from app.providers.resend import Resend
from app.providers.sendgrid import SendGrid
from app.providers.ses import Ses
from app.providers.transport import Probe, Transport
from app.providers.web import Web, internet
from app.settings import Settings
from app.store import tables
from app.store.api_keys import ApiKeys
from app.store.collapses import Collapses
from app.store.content import Contents
from app.store.cursors import Cursors
from app.store.events import Events
from app.store.heads import SHARDS, Heads
from app.store.health import Healths
from app.store.nonces import Nonces
from app.store.recipients import Recipients
from app.store.suppressions import Suppressions
from app.topic import Topic

# A worker is killed at its time limit; its lease ends this much later.
LEASE_MARGIN_S = 10
# Longer than any provider's webhook may be old (24 h), so that a token is remembered as long as it could be used.
NONCE_LIFETIME_S = 26 * 3600


@dataclass(frozen=True)
class Container:
    """Everything a door needs."""

    settings: Settings
    clock: Clock
    accept: Accept
    attempt: Attempt
    cancel: Cancel
    record: Record
    read: Read
    sweep: Sweep
    explain: Explain
    monitor: Monitor
    suppressions: Suppressions
    api_keys: ApiKeys
    providers: Mapping[str, Provider]
    transport: Transport
    ping: Callable[[], None]


def build(
    settings: Settings,
    *,
    clock: Clock = time.time,
    web: Web | None = None,
    transport: Transport | None = None,
    session: Session | None = None,
) -> Container:
    """Build every part. Raises ConfigurationError naming what is missing.

    `web` replaces the fetches that webhooks cause: a laptop must not go to AWS for the simulator's certificate.
    """
    _require(settings)
    session = session or botocore.session.get_session()
    tables.connect(settings.table_prefix, settings.aws_region, settings.aws_endpoint_url)
    web = web or internet()
    transport = transport or Transport(timeout_s=settings.provider_timeout_s)
    providers = _providers(settings, session, web)
    heads, events, recipients, collapses = Heads(), Events(), Recipients(), Collapses()
    suppressions = Suppressions()
    contents = Contents(cache(lambda: _client(session, settings, "s3")), settings.content_bucket)
    topic = Topic(_client(session, settings, "sns"), settings.topic_arn)
    keys_known_for_ms = {name: one.limits.idempotent_for_s * 1000 for name, one in providers.items()}
    rules = Rules(settings.providers, settings.uncertain_wait_s * 1000, keys_known_for_ms)
    monitor = Monitor(Healths(), settings.providers, clock, settings.routing.caps)
    survey = Surveyor(monitor, settings.routing, suppressions, collapses, clock)
    capabilities = {name: _capability(settings, one) for name, one in providers.items()}
    shards = range(SHARDS)
    return Container(
        settings=settings,
        clock=clock,
        accept=Accept(
            heads=heads,
            contents=contents,
            recipients=recipients,
            collapses=collapses,
            publish=topic.publish,
            clock=clock,
            retry_for_s=settings.retry_for_s,
            eligible=partial(verdicts, capabilities),
        ),
        attempt=Attempt(
            heads=heads,
            contents=contents,
            send=lambda name, message: transport.send(providers[name], message),
            publish=topic.publish,
            clock=clock,
            rules=rules,
            survey=survey,
            monitor=monitor,
            suppress=suppressions.put,
            lease_s=settings.worker_timeout_s + LEASE_MARGIN_S,
        ),
        cancel=Cancel(heads, clock, rules),
        record=Record(
            receivers=providers,
            heads=heads,
            events=events,
            nonces=Nonces(NONCE_LIFETIME_S),
            publish=topic.publish,
            confirm=web.confirm,
            clock=clock,
            rules=rules,
            monitor=monitor,
            suppress=suppressions.put,
        ),
        read=Read(heads, events, recipients, shards),
        sweep=Sweep(heads, Cursors(), topic.publish, clock, shards, monitor),
        explain=Explain(survey, partial(verdicts, capabilities)),
        monitor=monitor,
        suppressions=suppressions,
        api_keys=ApiKeys(clock),
        providers=providers,
        transport=transport,
        ping=lambda: _ping(heads),
    )


@cache
def container() -> Container:
    """The container of a deployed process: built once, from the environment, at the first event."""
    session, settings = _deployed()
    if settings.secret_name:
        secrets = vault.read(_client(session, settings, "secretsmanager"), settings.secret_name)
        settings = Settings.from_env({**secrets, **os.environ})
    return build(settings, session=session)


@cache
def sweep() -> Sweep:
    """The sweep of a deployed process. It calls no provider, so it needs no secret and may read none."""
    session, settings = _deployed()
    tables.connect(settings.table_prefix, settings.aws_region, settings.aws_endpoint_url)
    topic = Topic(_client(session, settings, "sns"), settings.topic_arn)
    monitor = Monitor(Healths(), settings.providers, time.time)
    return Sweep(Heads(), Cursors(), topic.publish, time.time, range(SHARDS), monitor)


def _deployed() -> tuple[Session, Settings]:
    settings = Settings.from_env(os.environ)
    logs.configure(settings.log_level, settings.service_name, settings.metrics_namespace)
    return botocore.session.get_session(), settings


def probe(settings: Settings, name: str) -> Probe:
    """Whether the credentials of one provider work; `settings.missing(name)` must be empty."""
    provider = _providers(settings, botocore.session.get_session(), internet())[name]
    with closing(Transport(settings.provider_timeout_s)) as transport:
        return transport.probe(provider)


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


def _capability(settings: Settings, one: Provider) -> Capability:
    limits = one.limits
    domains = settings.from_domains[one.name]
    return Capability(limits.recipients, limits.size_bytes, domains, limits.refused_extensions)


def _client(session: Session, settings: Settings, service: str) -> Any:
    """A botocore client with bounded patience."""
    return session.create_client(
        service,
        region_name=settings.aws_region,
        endpoint_url=settings.aws_endpoint_url,
        config=Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 3, "mode": "standard"}),
    )


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


def _ping(heads: Heads) -> None:
    try:
        heads.get("ping")
    except PynamoDBException as error:
        raise Unavailable(f"the email table does not answer: {type(error).__name__}") from error
