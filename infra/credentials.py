"""Checks what a deployment is about to use, before it changes anything."""

import sys
from collections.abc import Iterable, Mapping

from botocore.exceptions import ClientError

from app import trace_settings, vault
from app.errors import ConfigurationError, ServiceUnavailable
from app.providers import registry
from app.settings import HOW_TO_MAKE_ONE, Process, Settings
from app.vault import SecretsManager
from app.wiring import variable_locations


def check(
    client: SecretsManager, names: Mapping[Process, str], variables: Mapping[str, str], worker_timeout_s: int = 20
) -> None:
    """Raise ConfigurationError naming a malformed, missing or misplaced variable of the settings or of the secrets.

    `names` are those of the secrets; `variables` are those that the settings give to every function. A secret that
    may not be read from here is not checked, which is told: the functions may read it all the same. One that there is
    not stops the deployment.
    """
    _raise_first(map(variable_locations.in_settings, variables))
    whole = {"WORKER_TIMEOUT_S": str(worker_timeout_s), **variables}
    providers = Settings.from_env(whole).providers
    trace_settings.endpoint(whole)
    if not providers:
        raise ConfigurationError(f"PROVIDERS: is not set; put it into {variable_locations.SETTINGS_FILE}")
    registry.check(providers)
    made_once: dict[str, dict[str, str]] = {variable: {} for variable in variable_locations.MADE_ONCE}
    for process, name in names.items():
        try:
            secrets = vault.read(client, name)
        except ServiceUnavailable as error:
            _require_that_there_is_one(error, name)
            sys.stdout.write(f"Its variables are not checked: {error}\n")
            continue
        _check(process, name, secrets, whole)
        for variable in demanded(process):
            made_once[variable][name] = secrets[variable]
    for variable, found in made_once.items():
        if len(set(found.values())) > 1:
            raise ConfigurationError(f"{variable}: is not the same in {' and '.join(found)}")


def demanded(process: Process) -> list[str]:
    """The secrets of no provider without which this process cannot do its work."""
    return [name for name in variable_locations.MADE_ONCE if process in variable_locations.SECRETS[name]]


def _require_that_there_is_one(error: ServiceUnavailable, name: str) -> None:
    """Stop a deployment whose functions could do nothing. A secret that somebody else may read is no reason to stop."""
    cause = error.__cause__
    if isinstance(cause, ClientError) and cause.response["Error"]["Code"] == "ResourceNotFoundException":
        raise ConfigurationError(
            f"there is no secret {name}, or no value in it: make it by `python -m app.admin secrets store FILE --stage"
            f" {name.split('/')[1]}`, in this account and region"
        ) from error


def _check(process: Process, name: str, secrets: Mapping[str, str], variables: Mapping[str, str]) -> None:
    _raise_first(variable_locations.in_secret(variable, process, name) for variable in secrets)
    env = {**secrets, **variables}
    settings = Settings.from_env(env)
    if process is not Process.DELIVERIES:  # which reads no variable of a provider
        registry.check_values([*settings.providers, *registry.draining(settings.providers, env)], env)
    for variable in demanded(process):
        if not secrets.get(variable):
            raise ConfigurationError(f"{variable}: is not set in the secret {name}; {HOW_TO_MAKE_ONE}")


def _raise_first(faults: Iterable[str]) -> None:
    if fault := next(filter(None, faults), ""):
        raise ConfigurationError(fault)
