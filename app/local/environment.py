"""Makes the environment variables of a deployed process for local mode."""

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

import httpx

from app.local import envfile, ports
from app.local.mode import LocalError
from app.local.paths import Paths
from app.local.simulator import credentials, keys
from app.providers import registry

REGION = "us-east-1"
ACCOUNT = "000000000000"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:attempts"
CONTENT_BUCKET = "emailsminder-content"

# The variables of each provider. A provider is simulated unless one of its variables is set.
VARIABLES = {
    name: tuple(f"{name.upper()}_{variable.name}" for variable in registry.declaration(name).variables)
    for name in registry.PROVIDERS
}


def adopt(environ: MutableMapping[str, str], file: Path = Path(".env")) -> None:
    """Turn `environ`, the process's own environment, into that of a deployed process.

    Variables that `environ` does not set are taken from `file`. Raises LocalError if either is malformed.
    """
    target = deployed({**envfile.read(file), **environ})
    for name in set(environ) - set(target):
        del environ[name]
    environ.update(target)


def deployed(env: Mapping[str, str]) -> dict[str, str]:
    """`env` with the variables of the AWS emulator, of its topic and bucket, and of the simulated providers.

    Applied to its own result, it changes nothing. All other AWS_* variables are dropped, because a profile, a session
    or the endpoint of one service would lead to a real account. Creates the simulator's keys in DATA_DIR if there are
    none. Raises LocalError if a port is malformed.
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
        # Calls to this machine must not go through a proxy.
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
        **_simulator_credentials(simulated(env), paths),
    }


def simulated(env: Mapping[str, str]) -> frozenset[str]:
    """The providers that are simulated: those for which `env` sets no variable, or the simulator's own credentials."""
    given = {
        name: {variable: env[variable] for variable in variables if env.get(variable)}
        for name, variables in VARIABLES.items()
    }
    return frozenset(name for name, settings in given.items() if not settings or _is_simulators(settings))


def simulator_base_urls(env: Mapping[str, str]) -> dict[str, str]:
    """The variables SENDGRID_BASE_URL and so on of the simulated providers, as the running simulator reports them.

    Raises LocalError if the simulator does not answer within a second.
    """
    url = f"{ports.read(env).simulator_url}/control/providers"
    try:
        answer = httpx.get(url, timeout=1, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        raise LocalError(f"The provider simulator does not answer on {url}: start it with make run") from error
    listeners = answer.json()
    return {f"{name.upper()}_BASE_URL": str(listeners[name]["base_url"]) for name in sorted(simulated(env))}


def _simulator_credentials(providers: frozenset[str], paths: Paths) -> dict[str, str]:
    secrets = keys.load_or_create(paths.simulator)
    variables = {
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
    return {variable: value for name in providers for variable, value in variables[name].items()}


def _is_simulators(settings: Mapping[str, str]) -> bool:
    """Whether one of these variables holds a credential of the simulator, which `deployed` has set before."""
    known = {
        "SENDGRID_API_KEY": credentials.SENDGRID_API_KEY,
        "MAILGUN_API_KEY": credentials.MAILGUN_API_KEY,
        "SES_ACCESS_KEY_ID": credentials.SES_ACCESS_KEY_ID,
        "RESEND_API_KEY": credentials.RESEND_API_KEY,
    }
    return any(settings.get(variable) == value for variable, value in known.items())


def _no_proxy(env: Mapping[str, str]) -> str:
    return env.get("no_proxy") or env.get("NO_PROXY") or ""
