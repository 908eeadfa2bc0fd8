"""Every environment variable of a deployed process, typed and read once.

Variables that only local mode has are in `app.local`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.account import is_account, prefix_of
from app.domain.address import ascii_domain, domain_of, is_domain
from app.domain.caps import Caps
from app.domain.project import read_caps
from app.domain.route import Routing, RoutingPolicy
from app.domain.shards import MOST_SHARDS, SHARDS
from app.domain.urls import is_safe_url, what_is_wrong_with
from app.errors import ConfigurationError
from app.setting_values import list_of, seconds, switch, whole

# What every account has, whatever its provider. The names come behind the prefix of the account: ACME_DAILY_CAP.
ANY_DOMAIN = "*"  # the one value of FROM_DOMAINS that is no domain
ACCOUNT_VARIABLES = ("DAILY_CAP", "PER_SECOND_CAP", "FROM_DOMAINS")
LONGEST_RUN_S = 900  # a function of Lambda runs no longer
LONGEST_RETRY_S = 7 * 86_400  # an email is kept for eight days
LONGEST_WAIT_S = 86_400
# A packed content is written into the table up to this size, and above it into S3. Each KB in the table is a unit,
# $0.625 a million. An object costs about $6.2 a million flat (a PUT $5, a GET or two $0.4 each, 10 days of storage),
# as much as 10 KB do, and one more round trip to write and to read it (us-east-1, 2026-11).
INLINE_BYTES = 32_768
LARGEST_INLINE = 300_000  # an item may have 400 KB
LARGEST_CAP = 1_000_000_000
SHORTEST_SECRET = 32
HOW_TO_MAKE_ONE = (
    "make one by `python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`, once, and never change it"
)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class Process(StrEnum):
    """The deployed processes that read secrets, each its own. The sweep reads none, nor does what tells of changes."""

    API = "api"
    WORKER = "worker"
    DELIVERIES = "deliveries"  # calls the webhooks of applications


# If any of these is set, the process has been given an AWS to use: the real one, or an emulator.
FUNCTION_NAME = "AWS_LAMBDA_FUNCTION_NAME"
_DEPLOYED = (FUNCTION_NAME, "AWS_ENDPOINT_URL", "TOPIC_ARN")


def is_lambda(env: Mapping[str, str]) -> bool:
    """Whether this process runs on Lambda, where nobody watches it start."""
    return bool(env.get(FUNCTION_NAME))


def is_local(env: Mapping[str, str]) -> bool:
    """Whether this process runs in local mode: `app.local` then starts an AWS emulator, a simulator and a worker."""
    return not any(env.get(name) for name in _DEPLOYED)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a process. The name of a quantity ends in its unit."""

    providers: tuple[str, ...]  # the ids of the accounts, in the order in which they are tried
    aws_region: str
    aws_endpoint_url: str | None
    table_prefix: str
    topic_arn: str
    delay_queue_url: str  # the queue for messages that come later; empty: the sweep publishes them when they are due
    notifications_topic_arn: str  # where webhooks to endpoints are published; empty: none are
    notifications_queue_url: str  # from which they are delivered, and to which those go back that are tried again soon
    content_bucket: str
    inline_limit_bytes: int  # a content that is larger when packed is stored in the bucket
    routing: Routing
    from_domains: Mapping[
        str, tuple[str, ...]
    ]  # account → From domains that it may send; ANY_DOMAIN: any; empty: not said
    retry_for_s: int
    uncertain_wait_s: int
    provider_timeout_s: float
    worker_timeout_s: int
    shards: int
    log_level: str
    secret_name: str  # the secret with the variables that the environment does not set; empty: there is none
    service_name: str
    metrics_namespace: str  # CloudWatch's namespace; empty: no metrics
    address_secret: str = field(repr=False)  # the suppression list is keyed under it; empty: not set
    webhook_secret: str = field(repr=False)  # the secrets of endpoints follow from it; empty: there can be no endpoints
    project_caps: Mapping[str, int]  # project → emails that may be accepted a day; none: any number
    guards_runaways: bool
    api_url: str  # where the API answers, without a slash at its end; empty: the sweep does not look whether it does

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings from `env`.

        Raises ConfigurationError naming a malformed variable. The variables of the accounts are not read here: each
        provider declares its own (`app.providers.registry`).
        """
        worker_timeout_s = whole(env, "WORKER_TIMEOUT_S", "20", at_least=1, at_most=LONGEST_RUN_S)
        provider_timeout_s = seconds(env, "PROVIDER_TIMEOUT_S", "10", at_least=0.1, at_most=LONGEST_RUN_S)
        if provider_timeout_s >= worker_timeout_s:
            raise ConfigurationError(
                "PROVIDER_TIMEOUT_S: must be less than WORKER_TIMEOUT_S, or slow calls are cut off"
            )
        region = env.get("AWS_REGION", "") or env.get("AWS_DEFAULT_REGION", "") or "us-east-1"
        providers = _providers(env)
        return cls(
            providers=providers,
            aws_region=region,
            aws_endpoint_url=env.get("AWS_ENDPOINT_URL") or None,
            table_prefix=env.get("TABLE_PREFIX", "emailsminder-"),
            topic_arn=env.get("TOPIC_ARN", ""),
            delay_queue_url=env.get("DELAY_QUEUE_URL", ""),
            notifications_topic_arn=env.get("NOTIFICATIONS_TOPIC_ARN", ""),
            notifications_queue_url=env.get("NOTIFICATIONS_QUEUE_URL", ""),
            content_bucket=env.get("CONTENT_BUCKET", ""),
            inline_limit_bytes=whole(env, "INLINE_LIMIT_BYTES", str(INLINE_BYTES), at_least=0, at_most=LARGEST_INLINE),
            routing=Routing(
                providers,
                _policy(env),
                _preferences(env),
                {
                    account: Caps(*(_cap(env, f"{prefix_of(account)}{name}") for name in ACCOUNT_VARIABLES[:2]))
                    for account in providers
                },
            ),
            from_domains={account: _domains(env, f"{prefix_of(account)}FROM_DOMAINS") for account in providers},
            retry_for_s=whole(env, "RETRY_FOR_S", "14400", at_least=0, at_most=LONGEST_RETRY_S),
            uncertain_wait_s=whole(env, "UNCERTAIN_WAIT_S", "60", at_least=0, at_most=LONGEST_WAIT_S),
            provider_timeout_s=provider_timeout_s,
            worker_timeout_s=worker_timeout_s,
            shards=whole(env, "SHARDS", str(SHARDS), at_least=1, at_most=MOST_SHARDS),
            log_level=_log_level(env),
            secret_name=env.get("SECRET_NAME", ""),
            service_name=env.get("POWERTOOLS_SERVICE_NAME") or "emailsminder",
            metrics_namespace=env.get("POWERTOOLS_METRICS_NAMESPACE", ""),
            address_secret=_secret(env, "ADDRESS_SECRET"),
            webhook_secret=_secret(env, "WEBHOOK_SECRET"),
            project_caps=_project_caps(env),
            guards_runaways=switch(env, "RUNAWAY_GUARD"),
            api_url=_api_url(env),
        )


def _providers(env: Mapping[str, str]) -> tuple[str, ...]:
    names = tuple(name.lower() for name in list_of(env, "PROVIDERS"))
    for name in names:
        if not is_account(name):
            raise ConfigurationError(
                f"PROVIDERS: {name!r} is neither NAME, of a provider, nor NAME:LABEL with 1 to 20 of a-z0-9"
            )
    if len(set(names)) < len(names):
        raise ConfigurationError("PROVIDERS: an account is named twice")
    return names


def _domains(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    texts = list_of(env, name)
    if texts == (ANY_DOMAIN,):
        return texts
    return tuple(_domain(name, text, "a From") for text in texts)


def _domain(name: str, text: str, where: str) -> str:
    """The domain in its one form.

    Raises ConfigurationError, unless it may be what follows the @ of an address `where`.
    """
    try:
        return ascii_domain(text)
    except ValueError:
        plain = domain_of(text).removeprefix("*.")
        raise ConfigurationError(
            f"{name}: {text!r} is not a domain; write each as what follows the @ of {where}, such as"
            f" {plain if is_domain(plain) else 'example.com'}, subdomains by name"
        ) from None


def _policy(env: Mapping[str, str]) -> RoutingPolicy:
    text = (env.get("ROUTING") or "priority").lower()
    try:
        return RoutingPolicy(text)
    except ValueError:
        raise ConfigurationError(f"ROUTING: must be priority or weighted, is {text!r}") from None


def _preferences(env: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Read DOMAIN_PREFERENCES, such as `example.com=acme,acme:eu; example.org=postal`.

    Returns recipient domain → accounts to try first.
    """
    preferences: dict[str, tuple[str, ...]] = {}
    for entry in filter(None, (part.strip() for part in env.get("DOMAIN_PREFERENCES", "").split(";"))):
        text, equals, names = entry.partition("=")
        preferred = tuple(name.strip().lower() for name in names.split(",") if name.strip())
        if not equals or not all(map(is_account, preferred)) or not preferred:
            raise ConfigurationError(f"DOMAIN_PREFERENCES: {entry!r} does not look like example.com=NAME,NAME")
        domain = _domain("DOMAIN_PREFERENCES", text.strip(), "a recipient")
        if domain in preferences:
            raise ConfigurationError(f"DOMAIN_PREFERENCES: {domain} is named twice")
        preferences[domain] = preferred
    return preferences


def _cap(env: Mapping[str, str], name: str) -> int | None:
    return whole(env, name, "0", at_least=1, at_most=LARGEST_CAP) if env.get(name) else None


def _project_caps(env: Mapping[str, str]) -> dict[str, int]:
    try:
        return read_caps(env.get("PROJECT_CAPS", ""))
    except ValueError as problem:
        raise ConfigurationError(f"PROJECT_CAPS: {problem}") from None


def _log_level(env: Mapping[str, str]) -> str:
    level = (env.get("LOG_LEVEL") or "INFO").upper()
    if level not in LOG_LEVELS:
        raise ConfigurationError(f"LOG_LEVEL: must be one of {', '.join(LOG_LEVELS)}, is {level!r}")
    return level


def _secret(env: Mapping[str, str], name: str) -> str:
    secret = env.get(name, "").strip()
    if 0 < len(secret) < SHORTEST_SECRET:
        raise ConfigurationError(f"{name}: must have at least {SHORTEST_SECRET} characters; {HOW_TO_MAKE_ONE}")
    return secret


def _api_url(env: Mapping[str, str]) -> str:
    url = env.get("API_URL", "").strip().rstrip("/")
    if url and not is_safe_url(url):
        raise ConfigurationError(f"API_URL: {what_is_wrong_with(url)}")
    return url
