"""Every environment variable of a deployed process, typed and read once.

Variables that only local mode has are in `app.local`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.route import Caps, Routing, RoutingPolicy
from app.errors import ConfigurationError

KNOWN_PROVIDERS = ("sendgrid", "mailgun", "ses", "resend")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

# If any of these is set, the process has been given an AWS to use: the real one, or an emulator.
_DEPLOYED = ("AWS_LAMBDA_FUNCTION_NAME", "AWS_ENDPOINT_URL", "TOPIC_ARN")


def is_local(env: Mapping[str, str]) -> bool:
    """Whether this process runs in local mode: `app.local` then starts an AWS emulator, a simulator and a worker."""
    return not any(env.get(name) for name in _DEPLOYED)


@dataclass(frozen=True, slots=True)
class SendGridSettings:
    """The SENDGRID_* variables. Several public keys (comma-separated) may be valid at once, for rotation."""

    api_key: str
    webhook_public_keys: tuple[str, ...]
    base_url: str


@dataclass(frozen=True, slots=True)
class MailgunSettings:
    """The MAILGUN_* variables. Several signing keys (comma-separated) may be valid at once, for rotation."""

    api_key: str
    domain: str
    webhook_signing_keys: tuple[str, ...]
    base_url: str


@dataclass(frozen=True, slots=True)
class SesSettings:
    """The SES_* variables. Without an access key, the process's own AWS credentials (the Lambda's role) sign the calls.

    Several topics (comma-separated) may report.
    """

    region: str
    configuration_set: str
    topic_arns: tuple[str, ...]
    access_key_id: str
    secret_access_key: str
    base_url: str


@dataclass(frozen=True, slots=True)
class ResendSettings:
    """The RESEND_* variables. Several signing secrets (comma-separated) may be valid at once, for rotation."""

    api_key: str
    webhook_secrets: tuple[str, ...]
    base_url: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a process. The name of a quantity ends in its unit."""

    providers: tuple[str, ...]  # the order in which they are tried
    sendgrid: SendGridSettings
    mailgun: MailgunSettings
    ses: SesSettings
    resend: ResendSettings
    aws_region: str
    aws_endpoint_url: str | None
    table_prefix: str
    topic_arn: str
    content_bucket: str
    routing: Routing
    from_domains: Mapping[str, tuple[str, ...]]  # provider → From domains that it may send; empty: any domain
    retry_for_s: int
    uncertain_wait_s: int
    provider_timeout_s: float
    worker_timeout_s: int
    log_level: str
    secret_name: str  # the secret with the variables that the environment does not set; empty: there is none
    service_name: str
    metrics_namespace: str  # CloudWatch's namespace; empty: no metrics

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings from `env`.

        Raises ConfigurationError naming a malformed variable. A provider's variable that is not set is no error here,
        because the other providers can be used without it: `missing` and `missing_for_webhooks` list them.
        """
        worker_timeout_s = _number(env, "WORKER_TIMEOUT_S", "20", at_least=1)
        provider_timeout_s = _number(env, "PROVIDER_TIMEOUT_S", "10", at_least=0.1)
        if provider_timeout_s >= worker_timeout_s:
            raise ConfigurationError(
                "PROVIDER_TIMEOUT_S: must be less than WORKER_TIMEOUT_S, or slow calls are cut off"
            )
        region = env.get("AWS_REGION", "") or env.get("AWS_DEFAULT_REGION", "") or "us-east-1"
        ses_region = env.get("SES_REGION", "") or region
        providers = _providers(env)
        return cls(
            providers=providers,
            sendgrid=SendGridSettings(
                api_key=env.get("SENDGRID_API_KEY", ""),
                webhook_public_keys=_list(env, "SENDGRID_WEBHOOK_PUBLIC_KEY"),
                base_url=_url(env, "SENDGRID_BASE_URL", "https://api.sendgrid.com"),
            ),
            mailgun=MailgunSettings(
                api_key=env.get("MAILGUN_API_KEY", ""),
                domain=env.get("MAILGUN_DOMAIN", ""),
                webhook_signing_keys=_list(env, "MAILGUN_WEBHOOK_SIGNING_KEY"),
                base_url=_url(env, "MAILGUN_BASE_URL", "https://api.mailgun.net"),
            ),
            ses=SesSettings(
                region=ses_region,
                configuration_set=env.get("SES_CONFIGURATION_SET", ""),
                topic_arns=_list(env, "SES_TOPIC_ARN"),
                access_key_id=env.get("SES_ACCESS_KEY_ID", ""),
                secret_access_key=env.get("SES_SECRET_ACCESS_KEY", ""),
                base_url=_url(env, "SES_BASE_URL", f"https://email.{ses_region}.amazonaws.com"),
            ),
            resend=ResendSettings(
                api_key=env.get("RESEND_API_KEY", ""),
                webhook_secrets=_list(env, "RESEND_WEBHOOK_SECRET"),
                base_url=_url(env, "RESEND_BASE_URL", "https://api.resend.com"),
            ),
            aws_region=region,
            aws_endpoint_url=env.get("AWS_ENDPOINT_URL") or None,
            table_prefix=env.get("TABLE_PREFIX", "emailsminder-"),
            topic_arn=env.get("TOPIC_ARN", ""),
            content_bucket=env.get("CONTENT_BUCKET", ""),
            routing=Routing(
                providers,
                _policy(env),
                _preferences(env),
                {name: Caps(_cap(env, f"{name}_DAILY_CAP"), _cap(env, f"{name}_PER_SECOND_CAP")) for name in providers},
            ),
            from_domains={name: _domains(env, f"{name.upper()}_FROM_DOMAINS") for name in providers},
            retry_for_s=int(_number(env, "RETRY_FOR_S", "14400", at_least=0)),
            uncertain_wait_s=int(_number(env, "UNCERTAIN_WAIT_S", "60", at_least=0)),
            provider_timeout_s=provider_timeout_s,
            worker_timeout_s=int(worker_timeout_s),
            log_level=_log_level(env),
            secret_name=env.get("SECRET_NAME", ""),
            service_name=env.get("POWERTOOLS_SERVICE_NAME") or "emailsminder",
            metrics_namespace=env.get("POWERTOOLS_METRICS_NAMESPACE", ""),
        )

    def missing(self, provider: str) -> tuple[str, ...]:
        """The variables without which `provider` cannot send."""
        needed: dict[str, dict[str, object]] = {
            "sendgrid": {"SENDGRID_API_KEY": self.sendgrid.api_key},
            "mailgun": {"MAILGUN_API_KEY": self.mailgun.api_key, "MAILGUN_DOMAIN": self.mailgun.domain},
            "ses": {},
            "resend": {"RESEND_API_KEY": self.resend.api_key},
        }
        return tuple(name for name, value in needed[provider].items() if not value)

    def missing_for_webhooks(self, provider: str) -> tuple[str, ...]:
        """The variables without which the webhooks of `provider` cannot be verified and are therefore refused."""
        needed: dict[str, dict[str, object]] = {
            "sendgrid": {"SENDGRID_WEBHOOK_PUBLIC_KEY": self.sendgrid.webhook_public_keys},
            "mailgun": {"MAILGUN_WEBHOOK_SIGNING_KEY": self.mailgun.webhook_signing_keys},
            "ses": {
                "SES_CONFIGURATION_SET": self.ses.configuration_set,
                "SES_TOPIC_ARN": self.ses.topic_arns,
            },
            "resend": {"RESEND_WEBHOOK_SECRET": self.resend.webhook_secrets},
        }
        return tuple(name for name, value in needed[provider].items() if not value)


def _providers(env: Mapping[str, str]) -> tuple[str, ...]:
    names = tuple(name.lower() for name in _list(env, "PROVIDERS"))
    for name in names:
        if name not in KNOWN_PROVIDERS:
            raise ConfigurationError(f"PROVIDERS: {name!r} is not one of {', '.join(KNOWN_PROVIDERS)}")
    if len(set(names)) < len(names):
        raise ConfigurationError("PROVIDERS: a provider is named twice")
    return names


def _list(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in env.get(name, "").split(",") if item.strip())


def _domains(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(domain.lower() for domain in _list(env, name))


def _policy(env: Mapping[str, str]) -> RoutingPolicy:
    text = (env.get("ROUTING") or "priority").lower()
    try:
        return RoutingPolicy(text)
    except ValueError:
        raise ConfigurationError(f"ROUTING: must be priority or weighted, is {text!r}") from None


def _preferences(env: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Read DOMAIN_PREFERENCES, such as `example.com=ses,mailgun; example.org=sendgrid`.

    Returns recipient domain → providers to try first.
    """
    preferences = {}
    for entry in filter(None, (part.strip() for part in env.get("DOMAIN_PREFERENCES", "").split(";"))):
        domain, equals, names = entry.partition("=")
        preferred = tuple(name.strip().lower() for name in names.split(",") if name.strip())
        if not equals or not domain.strip() or not preferred or set(preferred) - set(KNOWN_PROVIDERS):
            raise ConfigurationError(f"DOMAIN_PREFERENCES: {entry!r} does not look like example.com=ses,mailgun")
        preferences[domain.strip().lower()] = preferred
    return preferences


def _cap(env: Mapping[str, str], name: str) -> int | None:
    return int(_number(env, name.upper(), "0", at_least=1)) if env.get(name.upper()) else None


def _url(env: Mapping[str, str], name: str, default: str) -> str:
    url = (env.get(name) or default).rstrip("/")
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise ConfigurationError(f"{name}: must start with https:// (http only for this machine), is {url!r}")
    return url


def _log_level(env: Mapping[str, str]) -> str:
    level = (env.get("LOG_LEVEL") or "INFO").upper()
    if level not in LOG_LEVELS:
        raise ConfigurationError(f"LOG_LEVEL: must be one of {', '.join(LOG_LEVELS)}, is {level!r}")
    return level


def _number(env: Mapping[str, str], name: str, default: str, at_least: float) -> float:
    text = env.get(name) or default
    try:
        value = float(text)
    except ValueError:
        raise ConfigurationError(f"{name}: must be a number, is {text!r}") from None
    if not at_least <= value < float("inf"):
        raise ConfigurationError(f"{name}: must be at least {at_least:g}, is {text}")
    return value
