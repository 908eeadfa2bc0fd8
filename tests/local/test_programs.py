"""The command lines of our own child processes."""

from pathlib import Path

import pytest

from app.local import programs
from app.local.mode import LocalError
from tests.local.conftest import Env


def option(env: Env, name: str) -> str:
    command = list(programs.simulator(env).command)
    return command[command.index(name) + 1]


def test_the_simulator_knows_the_api_and_keeps_its_inbox_in_the_data_folder(env: Env) -> None:
    assert option(env, "--api-url") == f"http://127.0.0.1:{env['PORT']}"
    assert Path(option(env, "--inbox")) == Path(env["DATA_DIR"]) / "inbox"
    assert option(env, "--inbox-limit") == "1000"
    assert option({**env, "INBOX_LIMIT": "5"}, "--inbox-limit") == "5"
    assert option({**env, "INBOX_LIMIT": ""}, "--inbox-limit") == "1000"


def test_the_simulator_knows_which_accounts_are_real(env: Env) -> None:
    assert option(env, "--real") == ""
    assert option({**env, "MAILGUN_API_KEY": "key-real"}, "--real") == "mailgun"


@pytest.mark.parametrize("limit", ["0", "-1", "many", "1.5", "100001", "9" * 5000, "²"])
def test_a_limit_that_cannot_be_is_said(env: Env, limit: str) -> None:
    with pytest.raises(LocalError, match="INBOX_LIMIT must be a whole number from 1 to 100000"):
        programs.simulator({**env, "INBOX_LIMIT": limit})
