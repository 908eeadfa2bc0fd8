"""The stack, on the emulator."""

import botocore.session
import pytest

from app.domain.lane import Lane, of_lane
from infra import stack as commands
from infra.cloudformation import StackError
from infra.stack import Stack
from infra.stages import Stage
from infra.variables import variables
from tests.infra import lambda_functions
from tests.support.aws import REGION, Aws, client

OFF = {"DeletionProtection": "false"}


@pytest.fixture
def stack(new_stack: Stack) -> Stack:
    """The stack of an environment of its own, not made yet; gone in the end."""
    return new_stack


def test_apply_makes_what_the_functions_need(aws: Aws, stack: Stack) -> None:
    outputs = stack.apply(OFF, {"project": "emailsminder"})
    named = variables(Stage(stack.environment, "api"), outputs, 20)
    tables = client(aws.endpoint_url, "dynamodb").list_tables()["TableNames"]
    assert {f"{named['TABLE_PREFIX']}{name}" for name in ("emails", "nonces", "api-keys")} <= set(tables)
    for lane in Lane:
        aws.sns.publish(TopicArn=of_lane(named["TOPIC_ARN"], lane), Message="{}")
        aws.sqs.send_message(QueueUrl=of_lane(named["DELAY_QUEUE_URL"], lane), MessageBody="{}")
    aws.s3.put_object(Bucket=named["CONTENT_BUCKET"], Key="content/x", Body=b"x")


def test_apply_again_changes_nothing(aws: Aws, stack: Stack) -> None:
    first = stack.apply(OFF, {})
    events = client(aws.endpoint_url, "cloudformation").describe_stack_events(StackName=stack.name)["StackEvents"]
    assert stack.apply(OFF, {}) == first
    again = client(aws.endpoint_url, "cloudformation").describe_stack_events(StackName=stack.name)["StackEvents"]
    assert again == events


def test_silenced_alarms_speak_again_after_the_next_apply(aws: Aws, stack: Stack) -> None:
    def enabled() -> set[bool]:
        alarms = client(aws.endpoint_url, "cloudwatch").describe_alarms(
            AlarmNamePrefix=f"emailsminder-{stack.environment}"
        )
        return {alarm["ActionsEnabled"] for alarm in alarms["MetricAlarms"]}

    stack.apply(OFF, {})
    assert enabled() == {True}
    stack.apply({**OFF, "Alarms": "false"}, {})
    assert enabled() == {False}
    stack.apply(OFF, {})
    assert enabled() == {True}


def test_ses_events_are_an_option(aws: Aws, stack: Stack) -> None:
    assert "SesTopicArn" not in stack.apply(OFF, {})
    outputs = stack.apply(
        {**OFF, "SesEvents": "on", "SesIdentityArns": "arn:aws:ses:us-east-1:0:identity/a.example"}, {}
    )
    named = variables(Stage(stack.environment, "api"), outputs, 20)
    assert named["SES_CONFIGURATION_SET"] == f"emailsminder-{stack.environment}"
    assert named["SES_TOPIC_ARN"].endswith(f"emailsminder-{stack.environment}-ses")


IDENTITIES = [f"arn:aws:ses:us-east-1:0:identity/{name}.example" for name in "ab"]


@pytest.mark.parametrize("identities", [", ".join(IDENTITIES), f" {','.join(IDENTITIES)},\n", IDENTITIES])
def test_blanks_between_the_identities_of_ses_are_none_of_the_role(
    aws: Aws, stack: Stack, identities: str | list[str]
) -> None:
    role_arn = stack.apply({**OFF, "SesIdentityArns": identities}, {})["bulkRoleArn"]
    policy = client(aws.endpoint_url, "iam").get_role_policy(
        RoleName=role_arn.rpartition("/")[2], PolicyName="attempts"
    )
    assert IDENTITIES in [statement["Resource"] for statement in policy["PolicyDocument"]["Statement"]]


def test_a_vpc_traces_and_a_key_of_the_variables_come_with_their_rights(aws: Aws, stack: Stack) -> None:
    iam, key = client(aws.endpoint_url, "iam"), "arn:aws:kms:us-east-1:0:key/variables"

    def rights(outputs: dict[str, str], door: str) -> tuple[set[str], bool]:
        role = outputs[f"{door}RoleArn"].rpartition("/")[2]
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        return {one["PolicyArn"].rpartition("/")[2] for one in attached}, key in str(document)

    doors = ("Api", *Lane, "Sweep")
    outputs = stack.apply(OFF, {})
    assert [rights(outputs, door) for door in doors] == [(set(), False)] * 5
    outputs = stack.apply({**OFF, "Vpc": "on", "Tracing": "on", "VariablesKeyArn": key}, {})
    wanted = {"AWSLambdaVPCAccessExecutionRole", "AWSXRayDaemonWriteAccess"}, True
    assert [rights(outputs, door) for door in doors] == [wanted] * 5


def test_tables_can_be_made_warm(aws: Aws, stack: Stack) -> None:
    prefix = stack.apply({**OFF, "WarmWrites": "8000"}, {})["TablePrefix"]
    found = client(aws.endpoint_url, "dynamodb").describe_table(TableName=f"{prefix}emails")["Table"]
    assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert stack.parameter("WarmWrites") == "8000"


def test_protected_tables_are_not_deleted(aws: Aws, stack: Stack) -> None:
    stack.apply({"DeletionProtection": "true"}, {})
    with pytest.raises(StackError, match="protected"):
        stack.delete()
    assert stack.outputs()


def test_delete_takes_the_data(aws: Aws, stack: Stack) -> None:
    bucket = stack.apply(OFF, {})["ContentBucket"]
    aws.s3.put_object(Bucket=bucket, Key="content/x", Body=b"x")
    stack.delete()
    assert not any(
        stack.environment in name for name in client(aws.endpoint_url, "dynamodb").list_tables()["TableNames"]
    )
    assert bucket not in {found["Name"] for found in aws.s3.list_buckets()["Buckets"]}
    with pytest.raises(StackError, match="deploy first"):
        stack.outputs()


def test_what_was_deleted_by_hand_is_not_in_the_way_of_a_removal(aws: Aws, stack: Stack) -> None:
    outputs = stack.apply(OFF, {})
    client(aws.endpoint_url, "dynamodb").delete_table(TableName=f"{outputs['TablePrefix']}nonces")
    client(aws.endpoint_url, "s3").delete_bucket(Bucket=outputs["ContentBucket"])
    stack.delete()
    assert stack.find() is None


def test_tables_that_a_removal_left_when_it_broke_off_are_named(aws: Aws, stack: Stack) -> None:
    table, dynamodb = f"emailsminder-{stack.environment}-emails", client(aws.endpoint_url, "dynamodb")
    with pytest.raises(StackError, match=rf"^there is no stack {stack.name} to delete$"):
        stack.delete()
    key = {"AttributeName": "id"}
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[key | {"AttributeType": "S"}],
        KeySchema=[key | {"KeyType": "HASH"}],
    )
    with pytest.raises(StackError, match=rf"^there is no stack {stack.name} to delete; .* of none: {table}: aws "):
        stack.delete()
    dynamodb.delete_table(TableName=table)


def test_the_data_of_a_function_that_could_not_be_removed_is_not_deleted(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As without the right to delete a function: Zappa fails at it, and `make remove` goes on."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    functions, sweep = client(aws.endpoint_url, "lambda"), Stage("dev", "sweep")
    lambda_functions.make(functions, sweep)
    with pytest.raises(SystemExit, match=rf"^dev: the function {sweep.function} is still there, so nothing is deleted"):
        commands.main(["delete", "dev"])
    functions.delete_function(FunctionName=sweep.function)
    with pytest.raises(SystemExit, match=r"^dev: there is no stack emailsminder-dev-resources to delete"):
        commands.main(["delete", "dev"])


def test_silencing_what_is_not_there_makes_nothing(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `make remove` of an environment that was never deployed: its last command would make the stack."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    session = botocore.session.get_session()
    session.set_config_variable("region", REGION)
    commands.main(["silence", "dev"])
    assert Stack(session, "dev").find() is None
