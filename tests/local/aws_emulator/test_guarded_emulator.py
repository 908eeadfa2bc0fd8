"""No page of a browser reaches the emulator: it could read stored emails, forge messages, or empty everything."""

import json

import httpx
import pytest

from tests.local.emulating import Env, running
from tests.support.aws import Aws

FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8025"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    {"Sec-Fetch-Site": "same-site"},
    {"Host": "rebound.evil.example"},
)
SCAN = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
PUBLISH = "/?Action=Publish&TopicArn=arn:aws:sns:us-east-1:000000000000:attempts&Message=forged"


def refuses(url: str) -> None:
    """Fails unless each request of another site's page is refused, by whatever method."""
    for headers in FOREIGN:
        for method, path in (("POST", "/"), ("GET", PUBLISH), ("OPTIONS", "/"), ("POST", "/_ministack/reset")):
            body = "{}" if method == "POST" else None
            answer = httpx.request(method, url + path, headers=SCAN | headers, content=body)
            assert answer.status_code == 403, (method, path, headers)
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert json.loads(answer.text)["error"].startswith("refused")


@pytest.fixture
def named(env: Env) -> Env:
    return {**env, "LOCAL_HOSTS": "dev.example"}


def test_the_emulator_of_a_laptop(named: Env) -> None:
    with running(named) as emulator:
        url = emulator.env["AWS_ENDPOINT_URL"]
        refuses(url)
        assert emulator.tables.list_tables()["TableNames"] == []  # programs are answered
        own = {"Host": "dev.example:4566"}
        assert httpx.post(url, headers=SCAN | own, content="{}").status_code == 200


def test_the_emulator_of_the_tests(aws: Aws) -> None:
    refuses(aws.endpoint_url)
