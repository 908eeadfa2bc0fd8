"""What the commands have in common: they are about one environment, and an expected failure is told in one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from app.errors import ConfigurationError
from infra.cloudformation import StackError
from infra.package import PackageError
from infra.schedule import ScheduleError
from infra.stages import SETTINGS, Stage, read, settings
from infra.versions import VersionError

# Anything else is a mistake of ours, whose traceback is shown. BotoCoreError: no credentials, no network.
EXPECTED: Final = (
    *(ConfigurationError, PackageError, StackError, VersionError, ScheduleError),
    *(BotoCoreError, ClientError),
)


@contextmanager
def in_one_line(what: str) -> Iterator[None]:
    """End the process with status 1 and the failure's text behind `what`, if the block fails as it may."""
    try:
        yield
    except EXPECTED as error:
        sys.exit(f"{what}: {error}")


def require_environment(name: str) -> None:
    """Raise ConfigurationError, with the environments that there are, if zappa_settings.json has none of this name."""
    known = dict.fromkeys(Stage.of(stage).environment for stage in read())
    if name not in known:
        raise ConfigurationError(f"there is no such environment in {SETTINGS.name}, only {', '.join(known)}")


def session_of(environment: str) -> Session:
    """A session of botocore in the region of an environment. Raises ConfigurationError if there is no such one."""
    require_environment(environment)
    session = botocore.session.get_session()
    session.set_config_variable("region", settings(Stage(environment, "api").name)["aws_region"])
    return session
