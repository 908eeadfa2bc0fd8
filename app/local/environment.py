"""The variables that a deployed process would have, made for a laptop."""

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

import httpx

from app.local import envfile, ports
from app.local.mode import LocalError
from app.local.paths import Paths
from app.local.simulator import credentials, keys

REGION = "us-east-1"
ACCOUNT = "000000000000"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:attempts"
CONTENT_BUCKET = "emailsminder-content"

# As soon as one variable of a provider is set, all of that provider's are the team's own; until then it is simulated.
VARIABLES = {
    "sendgrid": ("SENDGRID_API_KEY", "SENDGRID_WEBHOOK_PUBLIC_KEY", "SENDGRID_BASE_URL"),
    "mailgun": ("MAILGUN_API_KEY", "MAILGUN_DOMAIN", "MAILGUN_WEBHOOK_SIGNING_KEY", "MAILGUN_BASE_URL"),
    "ses": (
        "SES_ACCESS_KEY_ID",
        "SES_SECRET_ACCESS_KEY",
        "SES_REGION",
        "SES_CONFIGURATION_SET",
        "SES_TOPIC_ARN",
        "SES_BASE_URL",
    ),
    "resend": ("RESEND_API_KEY", "RESEND_WEBHOOK_SECRET", "RESEND_BASE_URL"),
}


def adopt(environ: MutableMapping[str, str], file: Path = Path(".env")) -> None:
    """Make `environ` (the process's own) that of a deployed process; `file` fills in what it does not name."""
    target = deployed({**envfile.read(file), **environ})
    for name in set(environ) - set(target):
        del environ[name]
    environ.update(target)


def deployed(env: Mapping[str, str]) -> dict[str, str]:
    """`env`, with an AWS, a topic, a bucket and provider credentials. Applied again it changes nothing.

    Every AWS_* variable of the laptop goes: a profile, a session or an endpoint of one service would lead to a real
    account. Creates the simulator's keys in DATA_DIR if there are none.
    Raises LocalError if a port is malformed.
    """
    at = ports.read(env)
    paths = Paths.of(env)
    no_proxy = ",".join(dict.fromkeys([*filter(None, _no_proxy(env).split(",")), "127.0.0.1", "localhost"]))
    return {
        **{name: value for name, value in env.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": at.aws_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # A laptop's proxy must not be asked for what runs beside it.
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "TOPIC_ARN": TOPIC_ARN,
        "CONTENT_BUCKET": CONTENT_BUCKET,
        "TABLE_PREFIX": env.get("TABLE_PREFIX") or "emailsminder-",
        "PROVIDERS": env.get("PROVIDERS") or "sendgrid,mailgun,ses",
        "PORT": str(at.api),
        "SIMULATOR_PORT": str(at.simulator),
        "AWS_PORT": str(at.aws),
        "DATA_DIR": str(paths.data),
        **_ready_credentials(simulated(env), paths),
    }


def simulated(env: Mapping[str, str]) -> frozenset[str]:
    """The providers that the simulator plays: those of which `env` sets nothing of its own."""
    own = {
        name: {variable: env[variable] for variable in variables if env.get(variable)}
        for name, variables in VARIABLES.items()
    }
    return frozenset(name for name, settings in own.items() if not settings or _is_ready(settings))


def simulator_base_urls(env: Mapping[str, str]) -> dict[str, str]:
    """SENDGRID_BASE_URL and so on for the simulated providers, asked from the running simulator.

    Raises LocalError if it does not answer within a second.
    """
    url = f"{ports.read(env).simulator_url}/control/providers"
    try:
        answer = httpx.get(url, timeout=1, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        raise LocalError(f"The provider simulator does not answer on {url}: start it with make run") from error
    listeners = answer.json()
    return {f"{name.upper()}_BASE_URL": str(listeners[name]["base_url"]) for name in sorted(simulated(env))}


def _ready_credentials(providers: frozenset[str], paths: Paths) -> dict[str, str]:
    secrets = keys.load_or_create(paths.simulator)
    ready = {
        "sendgrid": {
            "SENDGRID_API_KEY": credentials.SENDGRID_API_KEY,
            "SENDGRID_WEBHOOK_PUBLIC_KEY": secrets.sendgrid_public_key,
        },
        "mailgun": {
            "MAILGUN_API_KEY": credentials.MAILGUN_API_KEY,
            "MAILGUN_DOMAIN": credentials.MAILGUN_DOMAIN,
            "MAILGUN_WEBHOOK_SIGNING_KEY": secrets.mailgun_signing_key,
        },
        "ses": {
            "SES_ACCESS_KEY_ID": credentials.SES_ACCESS_KEY_ID,
            "SES_SECRET_ACCESS_KEY": credentials.SES_SECRET_ACCESS_KEY,
            "SES_REGION": REGION,
            "SES_CONFIGURATION_SET": credentials.SES_CONFIGURATION_SET,
            "SES_TOPIC_ARN": credentials.SES_TOPIC_ARN,
        },
        "resend": {
            "RESEND_API_KEY": credentials.RESEND_API_KEY,
            "RESEND_WEBHOOK_SECRET": secrets.resend_signing_secret,
        },
    }
    return {variable: value for name in providers for variable, value in ready[name].items()}


def _is_ready(settings: Mapping[str, str]) -> bool:
    marks = {
        "SENDGRID_API_KEY": credentials.SENDGRID_API_KEY,
        "MAILGUN_API_KEY": credentials.MAILGUN_API_KEY,
        "SES_ACCESS_KEY_ID": credentials.SES_ACCESS_KEY_ID,
        "RESEND_API_KEY": credentials.RESEND_API_KEY,
    }
    return any(settings.get(variable) == mark for variable, mark in marks.items())


def _no_proxy(env: Mapping[str, str]) -> str:
    return env.get("no_proxy") or env.get("NO_PROXY") or ""
