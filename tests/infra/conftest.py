"""The stack of an environment of its own, on the emulator."""

from collections.abc import Iterator
from uuid import uuid4

import botocore.session
import pytest

from infra.stack import Stack
from tests.support.aws import REGION, Aws


@pytest.fixture
def new_stack(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A stack that is not made yet; gone in the end, with the tables that it has."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    session = botocore.session.get_session()
    session.set_config_variable("region", REGION)
    stack = Stack(session, f"x{uuid4().hex[:8]}")
    yield stack
    if stack.find():
        stack.apply({"DeletionProtection": "false"}, {})
        stack.delete()
