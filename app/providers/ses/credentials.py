"""AWS credentials for SES, whose calls are signed: a key of its own, or the credentials of the process."""

from collections.abc import Callable

from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from app.errors import ConfigurationError
from app.providers.sdk.variables import ODD, Values, credential, is_plain, stripped


def of(values: Values, session: Session) -> Callable[[], Credentials]:
    """A function that returns the current credentials: the account's key, or the process's own if it has none.

    It raises ConfigurationError if there are none, if they cannot be refreshed, or if one of them cannot be a header.
    """
    access_key_id = values.text("ACCESS_KEY_ID")
    if access_key_id:
        secret = values.text("SECRET_ACCESS_KEY")
        return lambda: Credentials(
            credential(values.account, "ACCESS_KEY_ID", access_key_id),
            credential(values.account, "SECRET_ACCESS_KEY", secret),
        )
    return lambda: _own(session, values.variable("ACCESS_KEY_ID"))


def _own(session: Session, variable: str) -> Credentials:
    try:
        credentials = session.get_credentials()
        # This is a snapshot, so that botocore refreshes credentials nowhere but here, where its errors are caught.
        frozen = credentials and credentials.get_frozen_credentials()
    except BotoCoreError as error:
        raise ConfigurationError(f"the AWS credentials cannot be had: {type(error).__name__}") from error
    if frozen is None:
        raise ConfigurationError(f"no AWS credentials; set {variable} or give the process a role")
    values = [stripped(value or "") for value in (frozen.access_key, frozen.secret_key, frozen.token)]
    if not all(map(is_plain, values)):
        raise ConfigurationError(f"the AWS credentials of this process have a {ODD}; set them again, or {variable}")
    access_key, secret_key, token = values
    return Credentials(access_key, secret_key, token or None)
