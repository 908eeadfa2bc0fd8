"""Commands in this process, on an installation that the environment names and whose AWS is moto's."""

import os
from collections.abc import Callable, Iterator, Mapping

import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from app.admin.__main__ import app
from app.store import tables
from tests.support.environment import ADDRESS_SECRET

REGION = "us-east-1"
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def env(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The variables of an installation with tables of this file's own."""
    prefix = f"{request.path.stem}-"
    with mock_aws():
        tables.connect(prefix, REGION, None)
        tables.create_all()
        yield {
            "AWS_REGION": REGION,
            "TABLE_PREFIX": prefix,
            "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:attempts",
            "PROVIDERS": "sendgrid,mailgun,ses",
            "ADDRESS_SECRET": ADDRESS_SECRET,
        }


@pytest.fixture
def run(env: Mapping[str, str]) -> Run:
    """`run("keys", "list", TABLE_PREFIX="other-")`: a command, with changes to the environment if need be."""

    def command(*arguments: str, **changes: str) -> Result:
        before = dict(os.environ)
        found = CliRunner().invoke(app, arguments, env={**env, **changes})
        assert dict(os.environ) == before
        return found

    return command
