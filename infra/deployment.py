"""What a deployment is told apart by: one name for the same code, settings and secrets, in all functions."""

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.stages import ENTRY_POINTS, Stage, secret_names, settings

# Every function has this variable. It changes with anything that is deployed, so that each function gets a version of
# every deployment, and with the secrets, so that each starts anew, and reads them, after a change.
VARIABLE: Final = "DEPLOYMENT"


def name(client: Any, environment: str, file: Path, code: str) -> str:
    """The name of what is being deployed: 12 hexadecimal digits.

    `client` is one of Secrets Manager, and `code` is a digest of the sources: a package or an image is that of one
    function, which may have an architecture of its own.
    """
    stages = [settings(Stage(environment, entry_point).name, file) for entry_point in ENTRY_POINTS]
    made_of = [code, stages, list(_secrets(client, secret_names(environment).values()))]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:12]


def _secrets(client: Any, names: Iterable[str]) -> Iterable[str]:
    """The present version of each secret. Its text is not read, and whoever deploys may have no right to it."""
    for secret in names:
        try:
            found = client.describe_secret(SecretId=secret)
        except ClientError as error:
            sys.stdout.write(
                f"Whether the secret {secret} has changed is not known ({error.response['Error']['Code']}): running"
                " functions may go on with what they have read, until the code or the settings change\n"
            )
            yield ""
        else:
            stages = found.get("VersionIdsToStages", {})  # none of a secret that was made without a value
            yield next((version for version, labels in sorted(stages.items()) if "AWSCURRENT" in labels), "")
