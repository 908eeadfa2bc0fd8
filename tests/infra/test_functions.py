"""What is set on Lambda functions, on the emulator."""

import json
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from infra import functions, hooks, schedule, versions
from infra.stages import Stage
from infra.target import Target
from infra.versions import ALIAS
from tests.infra.lambda_functions import fail, make, package
from tests.support.aws import Aws, client


@pytest.fixture
def function(aws: Aws) -> tuple[Any, Stage]:
    """Lambda, and a worker as Zappa leaves it, with its alias."""
    stage, found = Stage(f"x{uuid4().hex[:8]}", "attempts_bulk"), client(aws.endpoint_url, "lambda")
    make(found, stage, PROVIDERS="ses")
    versions.require_alias(found, stage.function)
    return found, stage


def test_new_code_comes_with_its_architecture(function: tuple[Any, Stage]) -> None:
    found, stage = function
    before = found.get_function_configuration(FunctionName=stage.function)["Architectures"]
    zappa = SimpleNamespace(runtime="python3.13", zappa=SimpleNamespace(lambda_client=found, architecture="x86_64"))
    hooks.run_on(zappa, Target("python3.14", "arm64"))
    assert (zappa.runtime, zappa.zappa.architecture) == ("python3.14", "arm64"), "which a new function gets"
    found.update_function_code(FunctionName=stage.function, ZipFile=package(), Publish=False)  # as Zappa calls it
    after = found.get_function_configuration(FunctionName=stage.function)["Architectures"]
    assert (before, after) == (["x86_64"], ["arm64"])


def test_a_variable_is_added_to_those_that_are_there(function: tuple[Any, Stage]) -> None:
    found, stage = function
    for url in ("https://old.example.com", "https://new.example.com"):
        assert functions.add_variable(found, stage, "API_URL", url)
        variables = found.get_function_configuration(FunctionName=stage.function)["Environment"]["Variables"]
        assert variables == {"PROVIDERS": "ses", "API_URL": url}


def test_a_variable_that_is_there_already_changes_nothing(function: tuple[Any, Stage]) -> None:
    found, stage = function
    functions.add_variable(found, stage, "API_URL", "https://mail.example.com")
    before = found.get_function_configuration(FunctionName=stage.function)["RevisionId"]
    assert not functions.add_variable(found, stage, "API_URL", "https://mail.example.com")
    assert found.get_function_configuration(FunctionName=stage.function)["RevisionId"] == before


@pytest.mark.parametrize(("configured", "told"), [({}, "https://api"), ({"API_URL": ""}, None)])
def test_the_sweep_is_told_where_the_api_is_unless_the_settings_say_it(
    function: tuple[Any, Stage], configured: dict[str, str], told: str | None
) -> None:
    found, stage = function
    assert hooks.configure_sweep(found, stage, "https://api", configured) is (told is not None)
    variables = found.get_function_configuration(FunctionName=stage.function)["Environment"]["Variables"]
    assert variables.get("API_URL") == told


def statements(found: Any, stage: Stage) -> list[dict[str, Any]]:
    """The permissions that the alias gives to services. The emulator says so of the function's own, too."""
    policy = found.get_policy(FunctionName=stage.function, Qualifier=ALIAS)["Policy"]
    return list(json.loads(policy)["Statement"])


def test_the_topic_calls_the_alias_and_its_subscription_has_a_dead_letter_queue(
    aws: Aws, function: tuple[Any, Stage]
) -> None:
    found, stage = function
    topic = aws.sns.create_topic(Name=uuid4().hex)["TopicArn"]
    outputs = {f"{stage.lane}TopicArn": topic, "DeadLetterQueueArn": "arn:aws:sqs:us-east-1:000000000000:dead"}
    for _ in range(2):
        functions.subscribe(found, aws.sns, stage, outputs)
    (subscription,) = aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert subscription["Endpoint"].endswith(f":{stage.function}:{ALIAS}")
    attributes = aws.sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
    assert json.loads(attributes["RedrivePolicy"]) == {"deadLetterTargetArn": outputs["DeadLetterQueueArn"]}
    (statement,) = statements(found, stage)  # so that nobody calls what is being deployed
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Resource"].endswith(f":{stage.function}:{ALIAS}")
    assert topic in str(statement["Condition"])


def test_a_subscription_that_moves_is_new_before_the_old_one_ends_and_those_of_others_stay(
    aws: Aws, function: tuple[Any, Stage]
) -> None:
    found, stage = function
    topic = aws.sns.create_topic(Name=uuid4().hex)["TopicArn"]
    arn = found.get_function_configuration(FunctionName=stage.function)["FunctionArn"]
    for endpoint in (arn, f"{arn}:former", f"{arn}-other"):
        aws.sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=endpoint)
    sns, calls = client(aws.endpoint_url, "sns"), []
    sns.meta.events.register("before-call.sns", lambda model, **_: calls.append(model.name))
    functions.subscribe(
        found, sns, stage, {f"{stage.lane}TopicArn": topic, "DeadLetterQueueArn": "arn:aws:sqs:us-east-1:0:dead"}
    )
    assert [call for call in calls if "ubscribe" in call] == ["Subscribe", "Unsubscribe", "Unsubscribe"]
    left = aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert {one["Endpoint"] for one in left} == {f"{arn}:{ALIAS}", f"{arn}-other"}


def test_a_subscription_that_cannot_be_made_leaves_the_old_one(aws: Aws, function: tuple[Any, Stage]) -> None:
    found, stage = function
    topic = aws.sns.create_topic(Name=uuid4().hex)["TopicArn"]
    arn = found.get_function_configuration(FunctionName=stage.function)["FunctionArn"]
    aws.sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    fail(found, "AddPermission")
    with pytest.raises(found.exceptions.from_code("AccessDeniedException")):
        functions.subscribe(found, aws.sns, stage, {f"{stage.lane}TopicArn": topic, "DeadLetterQueueArn": ""})
    (left,) = aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert left["Endpoint"] == arn


def test_how_often_an_event_is_tried_is_said_of_the_alias(function: tuple[Any, Stage]) -> None:
    found, stage = function

    def tries() -> tuple[int, int]:
        config = found.get_function_event_invoke_config(FunctionName=stage.function, Qualifier=ALIAS)
        return config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]

    functions.repeat(found, stage)
    assert tries() == (2, 3600)
    functions.never_repeat(found, stage)
    assert tries() == (0, 60)


def test_the_dead_letter_queue_is_part_of_the_function(function: tuple[Any, Stage]) -> None:
    found, stage = function
    for queue in ("arn:aws:sqs:us-east-1:000000000000:one", "arn:aws:sqs:us-east-1:000000000000:two"):
        functions.keep_dead_letters(found, stage, queue)
        config = found.get_function_configuration(FunctionName=stage.function)
        assert config["DeadLetterConfig"]["TargetArn"] == queue


def test_the_schedule_calls_the_alias_and_is_made_once(aws: Aws, function: tuple[Any, Stage]) -> None:
    found, stage = function
    events = client(aws.endpoint_url, "events")
    for _ in range(2):
        schedule.apply(found, events, stage)
    (rule,) = events.list_rules(NamePrefix=stage.function)["Rules"]
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"].endswith(f":{stage.function}:{ALIAS}")
    (statement,) = statements(found, stage)
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Resource"].endswith(f":{stage.function}:{ALIAS}")
    assert rule["Arn"] in str(statement["Condition"])
    for _ in range(2):
        schedule.remove(events, stage)
    assert events.list_rules(NamePrefix=stage.function)["Rules"] == []


def test_a_schedule_that_calls_nobody_is_an_error(aws: Aws, function: tuple[Any, Stage]) -> None:
    found, stage = function
    events = client(aws.endpoint_url, "events")
    failed = [{"TargetId": "sweep", "ErrorCode": "ManagedRuleException", "ErrorMessage": "no"}]
    events.meta.events.register(
        "after-call.eventbridge.PutTargets", lambda parsed, **_: parsed.update(FailedEntries=failed)
    )
    with pytest.raises(schedule.ScheduleError, match=rf"^the rule {stage.function} cannot call .*:{ALIAS}: no$"):
        schedule.apply(found, events, stage)
    schedule.remove(client(aws.endpoint_url, "events"), stage)


def test_a_removal_removes_the_schedule(aws: Aws, function: tuple[Any, Stage]) -> None:
    found, worker = function
    events, stage = client(aws.endpoint_url, "events"), Stage(worker.environment, "sweep")
    make(found, stage)
    versions.require_alias(found, stage.function)
    schedule.apply(found, events, stage)
    session = SimpleNamespace(client=lambda name: client(aws.endpoint_url, name))
    hooks.prepare(
        SimpleNamespace(command="undeploy", api_stage=stage.name, zappa=SimpleNamespace(boto_session=session))
    )
    assert events.list_rules(NamePrefix=stage.function)["Rules"] == []
