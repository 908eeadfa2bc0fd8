"""A worker that fails for good: its message waits in the dead-letter queue until somebody puts it back."""

import sys
from collections.abc import Iterator

import httpx
import pytest

from infra import versions
from tests.deploy.cloud import ENVIRONMENT, Team, sns_event, until
from tests.deploy.test_1_service import delivered, send

WORKER = f"emailsminder-{ENVIRONMENT}-attempts-bulk"


@pytest.fixture
def broken(team: Team) -> Iterator[None]:
    """The worker that is live cannot read its secret, and the sweep does not mend what that leaves behind."""
    events, functions = team.cloud.client("events"), team.cloud.client("lambda")
    rule = next(r["Name"] for r in events.list_rules()["Rules"] if f"{ENVIRONMENT}-sweep" in r["Name"])
    before = team.function("attempts-bulk")
    variables = before["Environment"]["Variables"]
    events.disable_rule(Name=rule)
    functions.update_function_configuration(
        FunctionName=WORKER, Environment={"Variables": {**variables, "SECRET_NAME": "emailsminder/nowhere"}}
    )
    functions.get_waiter("function_updated_v2").wait(FunctionName=WORKER)
    versions.move(functions, WORKER, functions.publish_version(FunctionName=WORKER)["Version"])
    yield
    versions.move(functions, WORKER, before["Version"])
    events.enable_rule(Name=rule)


def dead_letters(team: Team, command: str) -> str:
    return team.run(sys.executable, "-m", "app.admin", "dead-letters", command, "--stage", ENVIRONMENT)


def test_message_that_failed_is_kept_and_put_back(
    team: Team, api: httpx.Client, request: pytest.FixtureRequest
) -> None:
    assert dead_letters(team, "list").strip() == "none"
    deployment = team.function("attempts-bulk")["Environment"]["Variables"]["DEPLOYMENT"]
    request.getfixturevalue("broken")
    email_id = send(api, lane="bulk")
    # SNS of the emulator hands on once and does not care; Lambda's own retries and queue work.
    team.cloud.client("lambda").invoke(
        FunctionName=WORKER, Qualifier=versions.ALIAS, InvocationType="Event", Payload=sns_event(email_id, 1, "bulk")
    )
    until("dead", lambda: email_id in dead_letters(team, "list"), within_s=60)
    assert f"{email_id} attempt 1 (bulk)" in dead_letters(team, "list")

    team.make("rollback", f"STAGE={ENVIRONMENT}", f"TO={deployment}")
    assert "1 put back" in dead_letters(team, "redrive")
    delivered(api, email_id)
    assert dead_letters(team, "list").strip() == "none"
