"""Checks what a deployment is about to use, before it changes anything."""

import sys
from collections.abc import Mapping

from app import vault
from app.errors import ConfigurationError, ServiceUnavailable
from app.providers import registry
from app.settings import HOW_TO_MAKE_ONE, Settings
from app.vault import SecretsManager


def check(client: SecretsManager, secret_name: str, variables: Mapping[str, str]) -> None:
    """Raise ConfigurationError naming a malformed or missing variable of the secret, or of `variables`, which win.

    A secret that cannot be read from here is not checked, which is told: the functions may read it all the same.
    """
    try:
        secrets = vault.read(client, secret_name)
    except ServiceUnavailable as error:
        sys.stdout.write(f"Its variables are not checked: {error}\n")
        return
    env = {**secrets, **variables}
    settings = Settings.from_env(env)
    registry.check_values([*settings.providers, *registry.draining(settings.providers, env)], env)
    if not settings.address_secret:
        raise ConfigurationError(f"ADDRESS_SECRET: is not set in the secret {secret_name}; {HOW_TO_MAKE_ONE}")
