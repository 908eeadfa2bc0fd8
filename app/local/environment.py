"""Makes the environment variables of a deployed process for local mode."""

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

import httpx

from app.domain.account import is_account, prefix_of
from app.errors import ConfigurationError
from app.local import envfile, plain_http, ports
from app.local.mode import LocalError
from app.local.paths import Paths
from app.local.provision import QUEUE
from app.local.simulator import accounts as simulator
from app.local.simulator import keys
from app.providers import registry
from app.settings import ANY_DOMAIN, Settings
from app.wiring import variable_locations

REGION = "us-east-1"
ACCOUNT = "000000000000"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:attempts"
CONTENT_BUCKET = "emailsminder-content"

# The suppression list of a laptop is keyed under it, and the secrets of endpoints follow from it. A deployed process
# must be given secrets of its own.
NOTHING_TO_KEEP = "local development, nothing to keep"

PROVIDERS = "sendgrid,mailgun,ses"
"""The local default of PROVIDERS."""


def adopt(environ: MutableMapping[str, str], file: Path = Path(".env")) -> None:
    """Turn `environ`, the process's own environment, into that of a deployed process.

    Variables that `environ` does not set are taken from `file`. Raises LocalError if the file or a port is malformed,
    or if a name in the file is mistyped; ConfigurationError if PROVIDERS is malformed.
    """
    variables = envfile.read(file)
    if fault := next(filter(None, map(variable_locations.mistyped, variables)), ""):
        raise LocalError(f"{file.name}: {fault}")
    target = deployed({**variables, **environ})
    for name in set(environ) - set(target):
        del environ[name]
    environ.update(target)


def deployed(env: Mapping[str, str]) -> dict[str, str]:
    """`env` with the variables of the AWS emulator, of its topic and bucket, and of the simulated accounts.

    Applied to its own result, it changes nothing. All other AWS_* variables are dropped, because a profile, a session
    or the endpoint of one service would lead to a real account. Makes the keys of simulated accounts in DATA_DIR if
    there are none. Raises LocalError if a port is malformed, ConfigurationError if PROVIDERS is.
    """
    at = ports.read(env)
    paths = Paths.of(env)
    ready: dict[str, str] = {}
    for account in simulated(env):
        ready |= simulator.ready_variables(account, paths.simulator)
        from_domains = f"{prefix_of(account)}FROM_DOMAINS"
        ready[from_domains] = env.get(from_domains) or ANY_DOMAIN  # somebody who tries it out sends from any address
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
        "DELAY_QUEUE_URL": f"{at.aws_url}/{ACCOUNT}/{QUEUE}",  # the worker's own queue honours a delay
        "API_URL": at.api_url,
        "CONTENT_BUCKET": CONTENT_BUCKET,
        "ADDRESS_SECRET": env.get("ADDRESS_SECRET") or NOTHING_TO_KEEP,
        "WEBHOOK_SECRET": env.get("WEBHOOK_SECRET") or NOTHING_TO_KEEP,
        "TABLE_PREFIX": env.get("TABLE_PREFIX") or "emailsminder-",
        "PROVIDERS": env.get("PROVIDERS") or PROVIDERS,
        "PORT": str(at.api),
        "SIMULATOR_PORT": str(at.simulator),
        "AWS_PORT": str(at.aws),
        "DATA_DIR": str(paths.data),
        **ready,
    }


def accounts(env: Mapping[str, str]) -> tuple[str, ...]:
    """The accounts that the simulator plays: those of PROVIDERS, then those whose keys are kept from an earlier run.

    So an account that left PROVIDERS while emails were under way can be drained on a laptop, too. Raises
    ConfigurationError if PROVIDERS is malformed.
    """
    named = _named(env)
    kept = (account for account in keys.kept(Paths.of(env).simulator) if _is_known(account))
    return tuple(dict.fromkeys([*named, *kept]))


def simulated(env: Mapping[str, str]) -> tuple[str, ...]:
    """The accounts that the simulator plays.

    These are the accounts for which `env` sets no variable, or the simulator's own credentials. Raises
    ConfigurationError as `accounts` does.
    """
    return tuple(account for account in accounts(env) if _is_simulated(account, env))


def real(env: Mapping[str, str]) -> tuple[str, ...]:
    """The accounts of PROVIDERS that are not simulated: what is sent through them may cost money and reaches people."""
    played = simulated(env)
    return tuple(account for account in _named(env) if account not in played)


def simulator_base_urls(env: Mapping[str, str]) -> dict[str, str]:
    """The variables BASE_URL of the simulated accounts, as the running simulator reports them.

    Raises LocalError if the simulator does not answer within a second, or does not play an account of PROVIDERS.
    """
    url = f"{ports.read(env).simulator_url}/control/providers"
    try:
        answer = plain_http.get(url, timeout_s=1).raise_for_status()
    except httpx.HTTPError as error:
        raise LocalError(f"The provider simulator does not answer on {url}: start it with make run") from error
    listeners, wanted = answer.json(), simulated(env)
    missing = [account for account in _named(env) if account in wanted and account not in listeners]
    if missing:
        raise LocalError(f"The simulator that runs does not play {', '.join(missing)}: restart it with these PROVIDERS")
    # Another account may be missing: its key may have been made after the simulator had started.
    played = [account for account in wanted if account in listeners]
    return {f"{prefix_of(account)}BASE_URL": str(listeners[account]["base_url"]) for account in played}


def _named(env: Mapping[str, str]) -> tuple[str, ...]:
    """The accounts of PROVIDERS. Raises ConfigurationError if one cannot be one."""
    named = Settings.from_env({"PROVIDERS": env.get("PROVIDERS") or PROVIDERS}).providers
    registry.check(named)
    return named


def _is_known(account: str) -> bool:
    """Whether a file in the folder of keys is called after an account, and not of another version's making."""
    try:
        registry.check([account])
    except ConfigurationError:
        return False
    return is_account(account)


def _is_simulated(account: str, env: Mapping[str, str]) -> bool:
    known = simulator.credentials(account).items()
    return not registry.values(account, env).are_any_set() or all(env.get(name) == value for name, value in known)


def _no_proxy(env: Mapping[str, str]) -> str:
    return env.get("no_proxy") or env.get("NO_PROXY") or ""
