"""`make urls`: shows the banner of the installation that runs on this machine again."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from pynamodb.exceptions import PynamoDBException

from app.errors import ConfigurationError
from app.local import banner, envfile, environment, lock, paths
from app.local.mode import API_KEY, LocalError
from app.providers import registry
from app.settings import Settings
from app.store import tables
from app.store.api_keys import ApiKeys


def text(environ: Mapping[str, str], file: Path = Path(".env")) -> str:
    """The banner of what runs in DATA_DIR, whatever ports it was started with.

    `environ` is the environment of this process, and `file` has the variables that it does not set. Raises LocalError
    if nothing runs there, or if a variable is malformed; ConfigurationError if PROVIDERS is.
    """
    env = {**envfile.read(file), **environ}
    data = paths.Paths.of(env).data
    status = lock.status(paths.Paths.of(env))
    if status is None or not status.ready:
        raise LocalError(f"nothing runs in {data}, or it is just starting: start it with make run, or set DATA_DIR")
    own = {"PORT": status.ports.api, "SIMULATOR_PORT": status.ports.simulator, "AWS_PORT": status.ports.aws}
    env = environment.deployed({**env, **{name: str(port) for name, port in own.items()}})
    settings = Settings.from_env(env)
    os.environ.update({name: value for name, value in env.items() if name.startswith("AWS_")})  # for botocore
    tables.connect(settings.table_prefix, settings.aws_region, settings.aws_endpoint_url)
    try:
        is_revoked = ApiKeys(time.time).find(API_KEY) is None
    except PynamoDBException as error:
        raise LocalError(f"the AWS emulator of {data} does not answer; is make run just ending?") from error
    draining = registry.draining(settings.providers, env)
    return banner.text(status.ports, draining, environment.real(env), is_revoked=is_revoked)


def main() -> None:
    """Print the banner. Ends with status 1 and a sentence if nothing runs."""
    paths.keep_private()
    try:
        sys.stdout.write(text(os.environ))
    except (LocalError, ConfigurationError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
