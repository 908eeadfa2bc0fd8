"""What goes to AWS X-Ray is signed by the process's own credentials, and to nobody else."""

from dataclasses import replace
from datetime import UTC, datetime

import botocore.session
import pytest
import requests

from app.local.simulator.dialect import Call
from app.local.simulator.ses import sigv4
from app.telemetry import xray

URL = "https://xray.eu-central-1.amazonaws.com/v1/traces"
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def session() -> botocore.session.Session:
    found = botocore.session.Session()
    found.set_credentials(KEY, SECRET, "session-token")
    return found


def prepared(url: str) -> requests.PreparedRequest:
    """The request as the exporter lets its session make it."""
    signing = xray.session_for(url, session())
    assert signing is not None
    headers = {"content-type": "application/x-protobuf", "user-agent": "OTel"}
    return signing.prepare_request(requests.Request("POST", url, headers=headers, data=b"\x0a\x00spans"))


def verify(call: Call) -> None:
    sigv4.verify(call, KEY, SECRET, "eu-central-1", "xray", datetime.now(UTC))


def test_the_signature_is_right() -> None:
    request = prepared(URL)
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    headers["host"] = "xray.eu-central-1.amazonaws.com"
    assert headers["x-amz-security-token"] == "session-token"
    assert headers["content-type"] == "application/x-protobuf"
    assert isinstance(request.body, bytes)
    call = Call("POST", "/v1/traces", "", headers, request.body)
    verify(call)
    with pytest.raises(sigv4.BadSignature):
        verify(replace(call, body=b"others"))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:4318/v1/traces",
        "http://xray.eu-central-1.amazonaws.com/v1/traces",
        "https://xray.eu-central-1.amazonaws.com.example.org/v1/traces",
        "https://otel.example.com/https://xray.eu-central-1.amazonaws.com/",
    ],
)
def test_no_other_collector_gets_a_signature(url: str) -> None:
    assert xray.session_for(url, session()) is None
