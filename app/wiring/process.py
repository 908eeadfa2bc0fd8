"""Builds a whole process, over real AWS clients and the accounts of the settings."""

import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Final

import botocore.session
from botocore.session import Session

from app import vault
from app.delivery.ports import Clock
from app.domain.account import provider_of
from app.domain.email import Message
from app.domain.outcome import Outcome
from app.errors import ConfigurationError
from app.notify.ports import PublishNotifications
from app.providers import registry
from app.providers.registry import Accounts
from app.providers.sdk.contract import AnyProvider, CredentialsCheck, Outside, Transport
from app.providers.sdk.http_transport import HttpTransport
from app.providers.sdk.variables import Need
from app.providers.sdk.web import Web, internet
from app.settings import Process, Settings, is_lambda
from app.store import tables
from app.topic import DelayQueue, Topic
from app.wiring import aws
from app.wiring.parts import Container, build
from app.wiring.stores import Queue, Stores, leave_to_the_sweep
from app.wiring.sweep import look_at_own_api
from app.wiring.tracing import open_traces
from app.wiring.variable_locations import NOT_IN_A_SECRET

if TYPE_CHECKING:
    from app.wiring.notify import Notify

log = logging.getLogger(__name__)

# By the name that a provider gives: what makes its calls, within a time limit in seconds.
TRANSPORTS: Final[Mapping[str, Callable[[float], Transport]]] = {"http": HttpTransport}


def connect(
    env: Mapping[str, str],
    *,
    clock: Clock = time.time,
    web_of: Callable[[str], Web] | None = None,
    session: Session | None = None,
    process: Process | None = None,
    rewire: Callable[[Stores, Queue], tuple[Stores, Queue]] = lambda stores, queue: (stores, queue),
    wait: Callable[[float], None] = time.sleep,
    is_local: bool = False,
    publish_notifications: PublishNotifications | None = None,
) -> Container:
    """The parts of a process with these variables. Raises ConfigurationError naming what is missing or malformed.

    `web_of` replaces the fetches that webhooks of an account cause: a laptop must not fetch the simulator's certificate
    from AWS. With a `process`, what only the other one reads may be missing: the API, for example, has no key to send
    with, and none of its use cases sends.
    `rewire` replaces stores and queue: on a laptop, the worker is another process of the same machine. `wait` lets a
    number of seconds pass. `is_local`: in local mode, what is the developer's own machine may be called. With
    `publish_notifications`, no topic is needed for those that the API publishes.
    """
    settings = Settings.from_env(env)
    _require(settings, env, process)
    session = session or botocore.session.get_session()
    tables.connect(settings.table_prefix, settings.aws_region, settings.aws_endpoint_url)
    fetches = web_of or (lambda _: internet())
    accounts = Accounts(settings.providers, env, lambda account: Outside(session, fetches(account).certificate))
    transports = _Transports(settings.provider_timeout_s)
    later = DelayQueue(cache(lambda: aws.client(session, settings, "sqs")), settings.delay_queue_url, clock)
    topic = Topic(aws.client(session, settings, "sns"), settings.topic_arn)
    stores, queue = rewire(
        Stores.over(
            lambda: aws.client(session, settings, "s3"),
            settings.content_bucket,
            settings.address_secret,
            settings.inline_limit_bytes,
        ),
        Queue(topic.publish, topic.publish_many, later.publish if settings.delay_queue_url else leave_to_the_sweep),
    )
    container = build(
        settings,
        queue.publish,
        lambda account, message: transports.send(accounts[account], message),
        clock,
        stores=stores,
        publish_many=queue.publish_many,
        providers=accounts,
        confirm=lambda account, url: fetches(account).confirm(url),
        wait=wait,
        publish_later=queue.publish_later,
        answers=look_at_own_api(settings),
        traces=open_traces(env, settings.service_name, session),
    )

    def close() -> None:
        container.traces.flush()
        transports.close()

    @cache
    def notify() -> "Notify":
        from app.wiring.notify import build_notify, publishing  # here, because workers do without

        publish = publish_notifications or publishing(session, settings)
        return build_notify(settings, clock, container.partitions, publish, is_local=is_local)

    return replace(container, close=close, draining=accounts.draining, notify=notify, is_local=is_local)


@cache
def container(process: Process) -> Container:
    """The container of a deployed process, built once, from the environment, at the first event."""
    session, settings = aws.deployed()
    secrets: dict[str, str] = {}
    if settings.secret_name:
        secrets = vault.read(aws.client(session, settings, "secretsmanager"), settings.secret_name)
    if misplaced := sorted(NOT_IN_A_SECRET & set(secrets)):
        log.warning("not read from the secret, because the sweep would not know it", extra={"variables": misplaced})
        secrets = {name: value for name, value in secrets.items() if name not in NOT_IN_A_SECRET}
    connected = connect({**secrets, **os.environ}, session=session, process=process)
    if draining := connected.draining():
        log.info("draining", extra={"accounts": list(draining)})
    return connected


def check_credentials(account: str, env: Mapping[str, str]) -> CredentialsCheck:
    """Whether the credentials of one account work. No variable that it needs for sending may be missing."""
    outside = Outside(botocore.session.get_session(), internet().certificate)
    with closing(_Transports(Settings.from_env(env).provider_timeout_s)) as transports:
        return transports.check_credentials(registry.open_account(account, env, outside))


class _Transports:
    """One transport of each kind that the providers name, made when it is first needed."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s, self._lock = timeout_s, Lock()
        self._made: dict[str, Transport] = {}

    def send(self, provider: AnyProvider, message: Message) -> Outcome:
        return self._of(provider).send(provider, message)

    def check_credentials(self, provider: AnyProvider) -> CredentialsCheck:
        return self._of(provider).check_credentials(provider)

    def close(self) -> None:
        for transport in self._made.values():
            transport.close()

    def _of(self, provider: AnyProvider) -> Transport:
        with self._lock:
            if provider.transport not in self._made:
                self._made[provider.transport] = TRANSPORTS[provider.transport](self._timeout_s)
            return self._made[provider.transport]


def _require(settings: Settings, env: Mapping[str, str], process: Process | None) -> None:
    registry.check(settings.providers)
    for domain, preferred in settings.routing.preferences.items():
        for account in preferred:
            if provider_of(account) not in registry.PROVIDERS:
                raise ConfigurationError(f"DOMAIN_PREFERENCES: {account!r}, for {domain}, is not at a known provider")
            if account not in settings.providers:
                log.warning("a preferred account is not in PROVIDERS", extra={"domain": domain, "provider": account})
    of_accounts = [registry.values(account, env) for account in settings.providers]
    missing = [name for values in of_accounts for name in values.missing(Need.SENDING, process)]
    missing += [] if settings.providers else ["PROVIDERS"]
    missing += [
        name
        for name, value in {
            "TOPIC_ARN": settings.topic_arn,
            "CONTENT_BUCKET": settings.content_bucket,
            "ADDRESS_SECRET": settings.address_secret,
        }.items()
        if not value
    ]
    if missing:
        raise ConfigurationError(f"not set: {', '.join(missing)}")
    if not is_lambda(env):  # there, the accounts without a fault must go on, and so must the API
        registry.check_values([*settings.providers, *registry.draining(settings.providers, env)], env)
