"""Restoring tables and going on with them: on the emulator, and asked of AWS where the emulator does less."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from app.errors import ConfigurationError
from infra import mappings, protection, restore, template
from infra.cloudformation import StackError
from infra.restored_tables import Restoration
from infra.stack import Stack
from tests.support.aws import REGION, Aws

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
WANTED = {"DeletionProtection": "true", "RecoveryDays": "7"}
TAGS = {"project": "emailsminder"}
TABLES = sorted(template.tables().values())


@pytest.fixture
def stack(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """The stack of an environment of its own, with protected tables; gone in the end, with every table."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    session = botocore.session.get_session()
    session.set_config_variable("region", REGION)
    stack = Stack(session, f"x{uuid4().hex[:8]}")
    stack.apply(WANTED, TAGS)
    yield stack
    stack.apply({"DeletionProtection": "false"}, TAGS)
    stack.delete()
    client = stack.client("dynamodb")
    for name in of(stack):
        client.update_table(TableName=name, DeletionProtectionEnabled=False)
        client.delete_table(TableName=name)


def of(stack: Stack) -> list[str]:
    """The tables of the environment, in the stack or not."""
    names = stack.client("dynamodb").list_tables()["TableNames"]
    return [name for name in names if stack.environment in name]


def managed(stack: Stack) -> dict[str, str]:
    """Every resource of the stack."""
    found = stack.client("cloudformation").describe_stack_resources(StackName=stack.name)["StackResources"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}


def names(resource: Any) -> str:
    return json.dumps(resource, default=str)


def test_the_stack_goes_on_with_restored_tables(stack: Stack) -> None:
    dynamodb, before, old = stack.client("dynamodb"), managed(stack), stack.prefix
    dynamodb.put_item(TableName=f"{old}nonces", Item={"token": {"S": "kept"}})
    new = f"{old}restored-"
    restore.tables(stack, new, NOW, ["nonces"])
    differences = restore.adopt(stack, new, WANTED, TAGS)
    assert differences == []

    assert stack.outputs()["TablePrefix"] == new
    assert dynamodb.get_item(TableName=f"{new}nonces", Key={"token": {"S": "kept"}})["Item"]
    after = managed(stack)
    assert after.keys() == before.keys()
    assert {after[name] for name in template.tables()} == {new + name for name in TABLES}
    others = before.keys() - template.tables().keys()
    assert {name: after[name] for name in others} == {name: before[name] for name in others}, "nothing else is replaced"
    assert {f"{old}{name}" for name in TABLES} <= set(of(stack)), "the former tables stay"

    assert f"table/{new}emails/stream/" in mappings.stream_of(dynamodb, new)
    reading = stack.client("iam").get_role_policy(RoleName=after["ChangesRole"], PolicyName="changes")
    assert f"table/{new}emails/stream/*" in names(reading)
    (policy,) = stack.client("iam").list_role_policies(RoleName=after["SweepRole"])["PolicyNames"]
    rights = stack.client("iam").get_role_policy(RoleName=after["SweepRole"], PolicyName=policy)
    assert f"table/{new}emails" in names(rights)
    assert f"table/{old}emails" not in names(rights)
    alarms = stack.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"emailsminder-{stack.environment}-email-")
    assert {one["Dimensions"][0]["Value"] for one in alarms["MetricAlarms"]} == {f"{new}emails"}


def test_a_restored_table_has_every_setting_of_its_source(stack: Stack) -> None:
    new, dynamodb = f"{stack.prefix}restored-", stack.client("dynamodb")

    def settings(prefix: str, name: str) -> dict[str, Any]:
        table = dynamodb.describe_table(TableName=prefix + name)["Table"]
        backups = dynamodb.describe_continuous_backups(TableName=prefix + name)["ContinuousBackupsDescription"]
        tags = dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
        return {
            "ttl": dynamodb.describe_time_to_live(TableName=prefix + name)["TimeToLiveDescription"],
            "recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
            "tags": [tag for tag in tags if not tag["Key"].startswith("aws:")],
            "protected": table["DeletionProtectionEnabled"],
            "ceiling": table.get("OnDemandThroughput"),
            "ceilings": [one.get("OnDemandThroughput") for one in table.get("GlobalSecondaryIndexes", ())],
            "keys": table["KeySchema"],
            "stream": table.get("StreamSpecification"),
        }

    for name in TABLES:  # the emulator does not do what the template says of these two
        dynamodb.update_continuous_backups(
            TableName=stack.prefix + name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        if name not in ("api-keys", "endpoints"):
            dynamodb.update_time_to_live(
                TableName=stack.prefix + name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
            )
    ceiling = {"MaxReadRequestUnits": 900, "MaxWriteRequestUnits": 500}
    dynamodb.update_table(TableName=f"{stack.prefix}emails", OnDemandThroughput=ceiling)
    for _ in range(2):
        restore.tables(stack, new, NOW, ["emails"])
    for name in TABLES:
        assert settings(new, name) == settings(stack.prefix, name)
    found = settings(new, "emails")
    assert (found["recovery"], found["protected"]) == ("ENABLED", True)
    assert found["tags"] == [{"Key": "project", "Value": "emailsminder"}]
    assert found["ceiling"] == ceiling
    assert found["stream"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert found["ttl"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


@pytest.mark.full
def test_adopting_goes_on_after_any_step_and_back(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = stack.prefix, f"{stack.prefix}restored-"
    restore.tables(stack, new, NOW, ["emails"])

    def refuse(*_: object) -> None:
        raise StackError("no")

    with monkeypatch.context() as broken:
        broken.setattr("infra.cloudformation.CloudFormation.adopt", refuse)
        with pytest.raises(StackError, match="no"):
            restore.adopt(stack, new, WANTED, TAGS)
    assert not managed(stack).keys() & template.tables().keys()
    assert restore.adopt(stack, new, WANTED, TAGS) == []
    assert managed(stack)["EmailsTable"] == f"{new}emails"
    assert restore.adopt(stack, new, WANTED, TAGS) == []

    restore.adopt(stack, old, WANTED, TAGS)
    assert managed(stack)["EmailsTable"] == f"{old}emails"
    assert stack.outputs()["TablePrefix"] == old


@pytest.mark.full
def test_an_update_keeps_the_tables_that_the_stack_has(stack: Stack) -> None:
    new = f"{stack.prefix}restored-"
    restore.tables(stack, new, NOW, ["emails"])
    restore.adopt(stack, new, WANTED, TAGS)
    stack.apply({**WANTED, "LogRetentionDays": "7"}, TAGS)
    assert stack.outputs()["TablePrefix"] == new
    assert managed(stack)["EmailsTable"] == f"{new}emails"


def test_what_cannot_be_meant_is_refused(stack: Stack) -> None:
    new = f"{stack.prefix}restored-"
    for prefix in ("other-", f"{stack.prefix}restored", f"{stack.prefix}-Big-"):
        with pytest.raises(ConfigurationError, match=r"^--prefix: must begin with emailsminder-x\w+- and end with -"):
            restore.tables(stack, prefix, NOW, ["emails"])
    with pytest.raises(ConfigurationError, match=r"that of the tables that there are"):
        restore.tables(stack, stack.prefix, NOW, ["emails"])
    with pytest.raises(ConfigurationError, match=r"no table mails: say emails, nonces"):
        restore.tables(stack, new, NOW, ["mails"])
    with pytest.raises(ConfigurationError, match=r"^--at: needs a time zone"):
        restore.tables(stack, new, NOW.replace(tzinfo=None), ["emails"])
    with pytest.raises(StackError, match=rf"there is no table {new}emails: make it first"):
        restore.adopt(stack, new, WANTED, TAGS)
    assert sorted(of(stack)) == sorted(stack.prefix + name for name in TABLES)


def test_what_a_restored_table_lacks_is_told(stack: Stack) -> None:
    """CloudFormation would never mend it: it changes what changes in the template."""
    new = f"{stack.prefix}restored-"
    restore.tables(stack, new, NOW, ["emails"])
    stack.client("dynamodb").update_table(TableName=f"{new}nonces", DeletionProtectionEnabled=False)
    (line,) = restore.adopt(stack, new, WANTED, TAGS)
    assert line == f"{new}nonces: /DeletionProtectionEnabled is false, should be true"


def test_every_template_is_put_where_it_is_read_once(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[bytes] = []
    make = stack.session.create_client

    def client(name: str) -> Any:
        found = make(name)
        found.meta.events.register("provide-client-params.s3.PutObject", lambda params, **_: put.append(params["Body"]))
        return found

    monkeypatch.setattr(stack.session, "create_client", client)
    stack.apply(WANTED, TAGS)
    assert put == [template.body().encode()]
    new = f"{stack.prefix}restored-"
    restore.tables(stack, new, NOW, ["emails"])
    put.clear()
    restore.adopt(stack, new, WANTED, TAGS)
    bodies = [*(template.detached(with_tables=one) for one in (False, True)), template.body()]
    assert put == [body.encode() for body in bodies]


def test_a_table_that_a_stack_has_is_not_taken_over(stack: Stack) -> None:
    table = {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "Properties": {"TableName": "ours"}}
    taken = {
        "ResourceType": "AWS::DynamoDB::Table",
        "LogicalResourceId": "Another",
        "ResourceIdentifier": {"TableName": f"{stack.prefix}emails"},
    }
    body = json.loads(template.body())
    body["Resources"]["Another"] = table
    asked = stack.request(WANTED, TAGS, stack.url_of(json.dumps(body)))
    with pytest.raises(
        StackError, match=rf"could not take over what exists: {stack.prefix}emails already exists in stack"
    ):
        stack.cloudformation().adopt(asked, [taken])
    sets = stack.client("cloudformation").list_change_sets(StackName=stack.name)["Summaries"]
    assert sets == [], "it is not left behind"


def test_without_tables_nothing_of_the_template_refers_to_one() -> None:
    for with_tables in (True, False):
        text = template.detached(with_tables=with_tables)
        found = json.loads(text)
        assert (template.tables().keys() <= found["Resources"].keys()) is with_tables
        others = {name: one for name, one in found["Resources"].items() if name not in template.tables()}
        named = re.findall("|".join(template.tables()), json.dumps({**found, "Resources": list(others.values())}))
        assert named == []


class Dynamodb:
    """A stub of DynamoDB that answers as AWS documents, and a restoration over it."""

    def __init__(self) -> None:
        self.client = botocore.session.get_session().create_client(
            "dynamodb", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )
        self.stub, self.waits = Stubber(self.client), list[float]()
        self.restoration = Restoration(self.client, "source", "target", self.waits.append)

    def backups(self, **described: Any) -> None:
        found = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": described}
        asked = {"TableName": "source"}
        self.stub.add_response("describe_continuous_backups", {"ContinuousBackupsDescription": found}, asked)


def test_the_days_of_recovery_are_those_of_the_source_once_dynamodb_takes_them() -> None:
    dynamodb = Dynamodb()
    dynamodb.backups(PointInTimeRecoveryStatus="ENABLED", RecoveryPeriodInDays=7)
    dynamodb.stub.add_client_error("update_continuous_backups", "ContinuousBackupsUnavailableException")
    wanted = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7}
    dynamodb.stub.add_response(
        "update_continuous_backups", {}, {"TableName": "target", "PointInTimeRecoverySpecification": wanted}
    )
    with dynamodb.stub:
        dynamodb.restoration._back_up()
        dynamodb.stub.assert_no_pending_responses()
    assert len(dynamodb.waits) == 1


def test_recovery_that_dynamodb_never_takes_is_an_error() -> None:
    dynamodb = Dynamodb()
    dynamodb.backups(PointInTimeRecoveryStatus="ENABLED")
    for _ in range(100):
        dynamodb.stub.add_client_error("update_continuous_backups", "ContinuousBackupsUnavailableException")
    with dynamodb.stub, pytest.raises(ClientError, match="ContinuousBackupsUnavailable"):
        dynamodb.restoration._back_up()
    assert 300 <= sum(dynamodb.waits) <= 900


def test_a_table_is_waited_for_for_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    dynamodb = Dynamodb()
    for status in ("CREATING", "CREATING", "ACTIVE"):
        dynamodb.stub.add_response("describe_table", {"Table": {"TableStatus": status}}, {"TableName": "target"})
    with dynamodb.stub:
        dynamodb.restoration._made()
    assert len(dynamodb.waits) == 2

    monkeypatch.setattr("infra.restored_tables.MADE_WITHIN_S", 20)
    dynamodb.stub.add_response("describe_table", {"Table": {"TableStatus": "CREATING"}})
    with dynamodb.stub, pytest.raises(StackError, match=r"target is still being made; run the same command again"):
        dynamodb.restoration._made()


@pytest.mark.full
def test_the_stack_s_policy_lets_tables_leave_for_this_and_for_nothing_else(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    make = stack.session.create_client

    def note(params: dict[str, Any], **_: object) -> None:
        asked.append(params)

    def client(name: str) -> Any:
        found = make(name)
        found.meta.events.register("provide-client-params.cloudformation.UpdateStack", note)
        return found

    monkeypatch.setattr(stack.session, "create_client", client)
    new = f"{stack.prefix}restored-"
    restore.tables(stack, new, NOW, ["emails"])
    restore.adopt(stack, new, WANTED, TAGS)
    assert [one.get("StackPolicyDuringUpdateBody") for one in asked] == [protection.ANYTHING, None]
    policy = stack.client("cloudformation").get_stack_policy(StackName=stack.name)["StackPolicyBody"]
    assert policy == protection.TABLES_STAY


@pytest.mark.parametrize(
    ("is_of", "made_of", "said"),
    [
        (NOW, "source", ""),
        (NOW - timedelta(hours=1), "source", "as of 2026-11-30T08:00:00+00:00, and you say 2026-11-30T09:00:00+00:00"),
        (NOW, "other", "made of other"),
    ],
)
def test_a_second_try_for_another_time_does_not_take_what_the_first_one_made(
    is_of: datetime, made_of: str, said: str
) -> None:
    """Who notices, an hour later, that the first time was wrong would otherwise go on with those tables."""
    dynamodb, arn = Dynamodb(), f"arn:aws:dynamodb:us-east-1:123456789012:table/{made_of}"
    dynamodb.stub.add_client_error("restore_table_to_point_in_time", "TableAlreadyExistsException")
    summary = {"SourceTableArn": arn, "RestoreDateTime": is_of, "RestoreInProgress": False}
    dynamodb.stub.add_response("describe_table", {"Table": {"RestoreSummary": summary}}, {"TableName": "target"})
    with dynamodb.stub:
        if said:
            with pytest.raises(StackError, match=f"^target is there already, {re.escape(said)}: say another --prefix$"):
                dynamodb.restoration.begin(NOW)
        else:
            dynamodb.restoration.begin(NOW)
