"""Checks what a deployment is about to use, before it changes anything."""

import sys
from collections.abc import Mapping

from app import vault
from app.errors import ServiceUnavailable
from app.providers import registry
from app.settings import Settings
from app.vault import SecretsManager


def check(client: SecretsManager, secret_name: str, variables: Mapping[str, str]) -> None:
    """Raise ConfigurationError naming a malformed variable of the secret, or of `variables`, which win over it.

    A secret that cannot be read from here is not checked, which is told: the functions may read it all the same.
    """
    try:
        secrets = vault.read(client, secret_name)
    except ServiceUnavailable as error:
        sys.stdout.write(f"Its variables are not checked: {error}\n")
        return
    env = {**secrets, **variables}
    configured = Settings.from_env(env).providers
    registry.check_values([*configured, *registry.draining(configured, env)], env)
