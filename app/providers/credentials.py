"""AWS credentials for SES, whose calls are signed: a key of its own, or the credentials of the process."""

from collections.abc import Callable

from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from app.errors import ConfigurationError


def of(access_key_id: str, secret_access_key: str, session: Session) -> Callable[[], Credentials]:
    """A function that returns the current credentials: the given key, or the process's own if none is given.

    It raises ConfigurationError if there are none, or if they cannot be refreshed.
    """
    if access_key_id:
        fixed = Credentials(access_key_id, secret_access_key)
        return lambda: fixed
    return lambda: _own(session)


def _own(session: Session) -> Credentials:
    try:
        credentials = session.get_credentials()
        if credentials is not None:
            frozen = credentials.get_frozen_credentials()
            # This is a snapshot, so that botocore refreshes credentials nowhere but here, where its errors are caught.
            return Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token)
    except BotoCoreError as error:
        raise ConfigurationError(f"SES: the AWS credentials cannot be had: {type(error).__name__}") from error
    raise ConfigurationError("SES: no AWS credentials; set SES_ACCESS_KEY_ID or give the process a role")
