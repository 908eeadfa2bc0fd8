"""Secrets by name, on the emulator's Secrets Manager."""

import json
from uuid import uuid4

import pytest

from app import vault
from app.errors import ConfigurationError, ServiceUnavailable
from tests.support.aws import Aws, client


def secret(aws: Aws, text: str) -> str:
    name = f"test/{uuid4().hex}"
    client(aws.endpoint_url, "secretsmanager").create_secret(Name=name, SecretString=text)
    return name


def test_variables_of_a_secret(aws: Aws) -> None:
    name = secret(aws, json.dumps({"SENDGRID_API_KEY": "SG.key", "MAILGUN_API_KEY": "key"}))
    found = vault.read(client(aws.endpoint_url, "secretsmanager"), name)
    assert found == {"SENDGRID_API_KEY": "SG.key", "MAILGUN_API_KEY": "key"}


def test_missing_secret_says_its_name_and_why(aws: Aws) -> None:
    with pytest.raises(ServiceUnavailable, match="test/nowhere cannot be read: ResourceNotFoundException"):
        vault.read(client(aws.endpoint_url, "secretsmanager"), "test/nowhere")


def test_secrets_manager_that_does_not_answer() -> None:
    with pytest.raises(ServiceUnavailable, match="EndpointConnectionError"):
        vault.read(client("http://127.0.0.1:9", "secretsmanager"), "test/any")


@pytest.mark.parametrize("text", ["SG.secret-key", '["SG.secret-key"]', '{"SENDGRID_API_KEY": ["SG.secret-key"]}'])
def test_malformed_secret_is_named_and_not_shown(aws: Aws, text: str) -> None:
    name = secret(aws, text)
    with pytest.raises(ConfigurationError, match=name) as raised:
        vault.read(client(aws.endpoint_url, "secretsmanager"), name)
    assert "SG.secret-key" not in str(raised.value)
    assert raised.value.__cause__ is None, "a JSON error quotes what it read"
    assert raised.value.__suppress_context__


def test_a_binary_secret_is_one_sentence_with_its_remedy(aws: Aws) -> None:
    name = f"test/{uuid4().hex}"
    client(aws.endpoint_url, "secretsmanager").create_secret(Name=name, SecretBinary=b'{"SENDGRID_API_KEY": "SG.key"}')
    with pytest.raises(
        ConfigurationError, match=f"^the secret {name} is binary, and must be text: store it by `python"
    ):
        vault.read(client(aws.endpoint_url, "secretsmanager"), name)
