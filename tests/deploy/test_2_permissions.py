"""Least privilege: what the roles say, read back, and what the emulator does with it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from app.domain.lane import Lane, of_lane
from infra.versions import ALIAS
from tests.deploy.cloud import ENVIRONMENT, Team

TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
ALLOWED = {
    "": {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:Scan",
        "s3:PutObject",
        "s3:GetObject",
        "s3:ListBucket",
        "sns:Publish",
        "secretsmanager:GetSecretValue",
        "lambda:InvokeFunction",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    },
    "attempts-normal": {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:BatchGetItem",
        "dynamodb:UpdateItem",
        "dynamodb:Query",
        "s3:GetObject",
        "s3:ListBucket",
        "sns:Publish",
        "sqs:SendMessage",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "secretsmanager:GetSecretValue",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    },
    "sweep": {
        "dynamodb:Query",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:BatchGetItem",
        "dynamodb:UpdateItem",
        "dynamodb:BatchWriteItem",
        "sns:Publish",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    },
    "changes": {
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:PutItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:Query",
        "sns:Publish",
        "sqs:SendMessage",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    },
    "deliveries": {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:BatchWriteItem",
        "sqs:SendMessage",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "secretsmanager:GetSecretValue",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    },
}
ALLOWED |= {f"attempts-{lane}": ALLOWED["attempts-normal"] for lane in Lane}


def statements(team: Team, door: str) -> list[dict[str, Any]]:
    iam = team.cloud.client("iam")
    role = team.function(door)["Role"].rpartition("/")[2]
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return [statement for document in documents for statement in document["Statement"]]


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@pytest.mark.parametrize("door", ALLOWED)
def test_role_allows_what_the_function_does_and_no_more(team: Team, door: str) -> None:
    found = statements(team, door)
    assert {action for statement in found for action in listed(statement["Action"])} == ALLOWED[door]
    for statement in found:
        for resource in listed(statement["Resource"]):
            name = resource.split(":", 5)[5]
            assert "emailsminder" in name, resource
            assert name.endswith(("/content/*", "/stream/*", ":*")) or "*" not in name, resource
            assert not name.endswith(":*") or resource.startswith("arn:aws:logs:"), resource


@pytest.mark.parametrize("door", ALLOWED)
def test_only_aws_may_take_the_role(team: Team, door: str) -> None:
    role = team.cloud.client("iam").get_role(RoleName=team.function(door)["Role"].rpartition("/")[2])["Role"]
    services = {"lambda"} if door else {"lambda", "apigateway"}
    for statement in role["AssumeRolePolicyDocument"]["Statement"]:
        assert set(statement["Principal"]) == {"Service"}
        assert set(statement["Principal"]["Service"]) == {f"{service}.amazonaws.com" for service in services}


def test_no_role_of_zappa_exists(team: Team) -> None:
    roles = team.cloud.client("iam").list_roles()["Roles"]
    assert [role["RoleName"] for role in roles if "Zappa" in role["RoleName"]] == []


@pytest.mark.parametrize(
    ("door", "own", "other"),
    [("", "api", "worker"), ("attempts-bulk", "worker", "api"), ("deliveries", "deliveries", "worker")],
)
def test_a_process_reads_its_own_secret_and_not_the_other(team: Team, door: str, own: str, other: str) -> None:
    iam, sts = team.cloud.client("iam"), team.cloud.client("sts")
    arn = iam.create_role(RoleName=f"as-{own}", AssumeRolePolicyDocument=json.dumps(policy(TRUST)))["Role"]["Arn"]
    document = json.dumps(policy(*statements(team, door)))
    iam.put_role_policy(RoleName=f"as-{own}", PolicyName=own, PolicyDocument=document)
    taken = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    manager = team.cloud.client("secretsmanager", taken)
    read = json.loads(manager.get_secret_value(SecretId=f"emailsminder/{ENVIRONMENT}/{own}")["SecretString"])
    assert ("SENDGRID_API_KEY" in read, "SENDGRID_WEBHOOK_PUBLIC_KEY" in read) == (own == "worker", own == "api")
    assert ("WEBHOOK_SECRET" in read) is (own != "worker")
    with pytest.raises(ClientError, match="AccessDenied"):
        manager.get_secret_value(SecretId=f"emailsminder/{ENVIRONMENT}/{other}")


def test_iam_is_in_force(team: Team) -> None:
    """Otherwise that the functions work would prove nothing: who has no permission is refused here."""
    iam, sts = team.cloud.client("iam"), team.cloud.client("sts")
    name = "stranger"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy(TRUST)))["Role"]["Arn"]
    document = json.dumps(policy(*statements(team, "sweep")))
    iam.put_role_policy(RoleName=name, PolicyName="sweep", PolicyDocument=document)
    taken = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    variables = team.variables()
    topic_arn = of_lane(variables["TOPIC_ARN"], Lane.NORMAL)
    team.cloud.client("sns", taken).publish(TopicArn=topic_arn, Message='{"email_id": "x", "attempt": 1}')
    with pytest.raises(ClientError, match="AccessDenied"):
        team.cloud.client("dynamodb", taken).scan(TableName=f"{variables['TABLE_PREFIX']}emails")
    with pytest.raises(ClientError, match="AccessDenied"):
        team.cloud.client("secretsmanager", taken).get_secret_value(SecretId=variables["SECRET_NAME"])


def test_a_worker_publishes_in_its_own_lane_and_polls_its_own_delay_queue(team: Team) -> None:
    for lane in Lane:
        found = [one["Resource"] for one in statements(team, f"attempts-{lane}") if "sns:Publish" in one["Action"]]
        assert [listed(one)[0].rpartition(":")[2] for one in found] == [f"emailsminder-{ENVIRONMENT}-attempts-{lane}"]
        mappings = team.cloud.client("lambda").list_event_source_mappings(
            FunctionName=f"emailsminder-{ENVIRONMENT}-attempts-{lane}:{ALIAS}"
        )["EventSourceMappings"]
        queues = [one["EventSourceArn"].rpartition(":")[2] for one in mappings]
        assert queues == [f"emailsminder-{ENVIRONMENT}-later-{lane}"]


def test_what_calls_the_urls_of_others_has_no_right_to_an_email(team: Team) -> None:
    tables = {
        resource.rpartition("/")[2]
        for statement in statements(team, "deliveries")
        for resource in listed(statement["Resource"])
        if ":dynamodb:" in resource
    }
    prefix = team.variables()["TABLE_PREFIX"]
    assert tables == {f"{prefix}changes", f"{prefix}endpoints"}
