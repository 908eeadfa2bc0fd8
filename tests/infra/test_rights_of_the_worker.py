"""What a worker asks of the store for test mail, which it also records: each lane's role allows all of it."""

from dataclasses import replace
from typing import Any

from app.domain.email import Mailbox
from app.domain.lane import Lane
from app.domain.project import of_test_keys
from app.domain.sandbox import DELIVERED_LATE_MS, REPORTS
from app.store.head_items import HeadItem
from tests.infra.template import load
from tests.support.harness import Harness
from tests.support.samples import an_email


def allowed(role: str, table: str) -> set[str]:
    """The actions on a table that a role of the template allows."""
    (policy,) = load()["Resources"][role]["Properties"]["Policies"]
    found: set[str] = set()
    for statement in policy["PolicyDocument"]["Statement"]:
        if isinstance(statement, dict) and statement.get("Resource") == {"GetAtt": f"{table}.Arn"}:
            actions = statement["Action"]
            found |= {actions} if isinstance(actions, str) else set(actions)
    return found


def test_the_role_of_each_lane_allows_what_test_mail_needs(harness: Harness) -> None:
    people = tuple(Mailbox(f"{local}@any.example") for local in REPORTS)
    email = replace(an_email(), to=people, collapse_key="reset")
    harness.taken.add(harness.accept(email, project=of_test_keys("team"), key=None).head.email_id)
    asked: set[tuple[str, str]] = set()

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        tables = [params["TableName"]] if "TableName" in params else list(params["RequestItems"])
        asked.update((model.name, table) for table in tables)

    events = HeadItem._get_connection().connection.client.meta.events
    events.register("before-parameter-build.dynamodb", note)
    try:
        harness.work()
        harness.clock.advance(DELIVERED_LATE_MS / 1000)
        harness.work()
    finally:
        events.unregister("before-parameter-build.dynamodb", note)
    assert {table for _, table in asked} == {HeadItem.Meta.table_name}  # neither health nor suppressions
    operations = {f"dynamodb:{operation}" for operation, _ in asked}
    assert "dynamodb:BatchWriteItem" in operations
    refused = {lane: operations - allowed(f"{lane}AttemptsRole", "EmailsTable") for lane in Lane}
    assert refused == {lane: set() for lane in Lane}
