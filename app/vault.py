"""Secrets by name: one secret of Secrets Manager, a JSON object of variable to value.

Secrets Manager and not Parameter Store: its client is 13 ms cheaper at a cold start, and it takes 10,000 reads a second
where Parameter Store takes 40, which a burst of cold starts is above.
"""

import json
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from app.errors import ConfigurationError, ServiceUnavailable


class SecretsManager(Protocol):
    """What is used of botocore's client."""

    def get_secret_value(self, **arguments: Any) -> Any:
        """Read a secret."""


def read(client: SecretsManager, name: str) -> dict[str, str]:
    """The variables in the secret `name`.

    Raises ServiceUnavailable if it cannot be read now, ConfigurationError if it is no JSON object of strings. Neither
    error says anything about its content.
    """
    try:
        text = client.get_secret_value(SecretId=name)["SecretString"]
    except ClientError as error:
        raise ServiceUnavailable(f"the secret {name} cannot be read: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise ServiceUnavailable(f"the secret {name} cannot be read: {type(error).__name__}") from error
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ConfigurationError(f"the secret {name} must be a JSON object of strings") from None
    return found
