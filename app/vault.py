"""Reads the one secret of this process: a secret of AWS Secrets Manager, a JSON object of variable to value.

Parameter Store would refuse reads when many functions start at once, and its client starts more slowly.
"""

import json
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from app.errors import ConfigurationError, ServiceUnavailable


class SecretsManager(Protocol):
    """The methods of botocore's Secrets Manager client that are used here."""

    def get_secret_value(self, **arguments: Any) -> Any:
        """Return the secret `SecretId`, its text in `SecretString`."""


def read(client: SecretsManager, name: str) -> dict[str, str]:
    """The variables in the secret `name`.

    Raises ServiceUnavailable if it cannot be read now, ConfigurationError if it is not a JSON object of strings.
    Neither error contains any part of the secret.
    """
    try:
        answer = client.get_secret_value(SecretId=name)
    except ClientError as error:
        raise ServiceUnavailable(f"the secret {name} cannot be read: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise ServiceUnavailable(f"the secret {name} cannot be read: {type(error).__name__}") from error
    if "SecretString" not in answer:
        raise ConfigurationError(
            f"the secret {name} is binary, and must be text: store it by `python -m app.admin secrets store`"
        )
    try:
        found = json.loads(answer["SecretString"])
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ConfigurationError(f"the secret {name} must be a JSON object of strings") from None
    return found
