"""Checks what a deployment is about to use, before it changes anything."""

import sys
from collections.abc import Mapping

from app import vault
from app.errors import ConfigurationError, ServiceUnavailable
from app.providers import registry
from app.settings import HOW_TO_MAKE_ONE, Process, Settings
from app.vault import SecretsManager


def check(client: SecretsManager, names: Mapping[Process, str], variables: Mapping[str, str]) -> None:
    """Raise ConfigurationError naming a malformed, missing or misplaced variable of the secrets with these names.

    `variables` win over them. A secret that cannot be read from here is not checked, which is told: the functions may
    read it all the same.
    """
    keyed_under: dict[str, str] = {}
    for process, name in names.items():
        try:
            secrets = vault.read(client, name)
        except ServiceUnavailable as error:
            sys.stdout.write(f"Its variables are not checked: {error}\n")
            continue
        _check(process, name, secrets, variables)
        keyed_under[name] = {**secrets, **variables}["ADDRESS_SECRET"]
    if len(set(keyed_under.values())) > 1:
        raise ConfigurationError(f"ADDRESS_SECRET: is not the same in {' and '.join(keyed_under)}")


def _check(process: Process, name: str, secrets: Mapping[str, str], variables: Mapping[str, str]) -> None:
    env = {**secrets, **variables}
    settings = Settings.from_env(env)
    registry.check_values([*settings.providers, *registry.draining(settings.providers, env)], env)
    if not settings.address_secret:
        raise ConfigurationError(f"ADDRESS_SECRET: is not set in the secret {name}; {HOW_TO_MAKE_ONE}")
    for variable in secrets:
        found = registry.find_variable(variable)
        if found is not None and process not in found[1].read_by:
            raise ConfigurationError(f"{variable}: is not for the {process}, and may not be in the secret {name}")
