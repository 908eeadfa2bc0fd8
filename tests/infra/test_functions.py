"""What is set on Lambda functions, on the emulator."""

import io
import zipfile
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from infra import functions, hooks
from infra.stages import Stage
from infra.target import Target
from tests.support.aws import Aws, client


def code() -> bytes:
    """A package with a sweep that does nothing."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("sweep.py", "def handler(event, context): return None\n")
    return file.getvalue()


@pytest.fixture
def function(aws: Aws) -> tuple[Any, Stage]:
    """Lambda, and a sweep as Zappa leaves it."""
    stage, found = Stage(f"x{uuid4().hex[:8]}", "sweep"), client(aws.endpoint_url, "lambda")
    found.create_function(
        FunctionName=stage.function,
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/sweep",
        Handler="sweep.handler",
        Code={"ZipFile": code()},
        Environment={"Variables": {"PROVIDERS": "ses"}},
    )
    return found, stage


def test_new_code_comes_with_its_architecture(function: tuple[Any, Stage]) -> None:
    found, stage = function
    before = found.get_function_configuration(FunctionName=stage.function)["Architectures"]
    zappa = SimpleNamespace(runtime="python3.13", zappa=SimpleNamespace(lambda_client=found, architecture="x86_64"))
    hooks.run_on(zappa, Target("python3.14", "arm64"))
    assert (zappa.runtime, zappa.zappa.architecture) == ("python3.14", "arm64"), "which a new function gets"
    found.update_function_code(FunctionName=stage.function, ZipFile=code(), Publish=True)  # as Zappa calls it
    after = found.get_function_configuration(FunctionName=stage.function)["Architectures"]
    assert (before, after) == (["x86_64"], ["arm64"])


def test_a_variable_is_added_to_those_that_are_there(function: tuple[Any, Stage]) -> None:
    found, stage = function
    for url in ("https://old.example.com", "https://new.example.com"):
        functions.add_variable(found, stage, "API_URL", url)
        variables = found.get_function_configuration(FunctionName=stage.function)["Environment"]["Variables"]
        assert variables == {"PROVIDERS": "ses", "API_URL": url}


def test_a_variable_that_is_there_already_changes_nothing(function: tuple[Any, Stage]) -> None:
    found, stage = function
    functions.add_variable(found, stage, "API_URL", "https://mail.example.com")
    before = found.get_function_configuration(FunctionName=stage.function)["RevisionId"]
    functions.add_variable(found, stage, "API_URL", "https://mail.example.com")
    assert found.get_function_configuration(FunctionName=stage.function)["RevisionId"] == before


@pytest.mark.parametrize(("configured", "told"), [({}, "https://api"), ({"API_URL": ""}, None)])
def test_the_sweep_is_told_where_the_api_is_unless_the_settings_say_it(
    function: tuple[Any, Stage], configured: dict[str, str], told: str | None
) -> None:
    found, stage = function
    hooks.tell_sweep(found, Stage(stage.environment, "api"), "https://api", configured)
    variables = found.get_function_configuration(FunctionName=stage.function)["Environment"]["Variables"]
    assert variables.get("API_URL") == told


def test_the_delay_queue_is_polled_by_one_mapping_of_one_message_and_until_it_is_stopped(
    aws: Aws, function: tuple[Any, Stage]
) -> None:
    found, stage = function
    url = aws.sqs.create_queue(QueueName=f"later-{uuid4().hex}")["QueueUrl"]
    arn = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for _ in range(2):
        functions.poll(found, stage, arn)
    (mapping,) = found.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
    assert (mapping["BatchSize"], mapping["FunctionArn"].rpartition(":")[2]) == (1, stage.function)
    functions.stop_polling(found, arn)
    assert found.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"] == []
