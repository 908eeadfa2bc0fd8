"""Signs what is sent to AWS X-Ray, which takes nothing unsigned (`app.trace_settings.XRAY` has the source)."""

from typing import Final

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session
from requests.auth import AuthBase

from app.trace_settings import XRAY

_SERVICE: Final = "xray"


def session_for(url: str, aws: Session) -> requests.Session | None:
    """A session that signs as this process's role, if `url` is that of X-Ray; None if it is another collector's."""
    found = XRAY.match(url)
    if found is None:
        return None
    session = requests.Session()
    session.auth = Signature(aws, found["region"])
    return session


class Signature(AuthBase):
    """Signature Version 4 over the whole request, with the credentials that `aws` has at that moment."""

    def __init__(self, aws: Session, region: str) -> None:
        self._aws, self._region = aws, region

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the headers of the signature."""
        plain = {"Content-Type": request.headers["Content-Type"]}
        signed = AWSRequest(request.method, request.url, plain, request.body)
        if credentials := self._aws.get_credentials():  # without any, X-Ray's answer says that they are missing
            SigV4Auth(credentials, _SERVICE, self._region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request
