"""`make smoke`: which steps run, what is refused before anything is made, and what is told after a failure."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from app.errors import ConfigurationError
from infra.cloudformation import StackError
from infra.smoke import deployment, left_behind, mail, watching
from infra.smoke.__main__ import ASKED, STEPS, main
from infra.smoke.run import SmokeError, Step, choose, run, until
from infra.smoke.world import World
from infra.stages import ROOT, Stage, settings
from tests.infra.lambda_functions import make
from tests.support.aws import REGION, Aws


def step(name: str, done: list[str], error: Exception | None = None) -> Step:
    def act(_: object) -> None:
        done.append(name)
        if error is not None:
            raise error

    return Step(name, f"{name} works", act)


@pytest.mark.parametrize(
    "error",
    [
        SmokeError("no traces"),
        StackError("the stack is stuck"),
        ConfigurationError("PROVIDERS: is not set"),
        ClientError({"Error": {"Code": "AccessDenied", "Message": "no right"}}, "PutItem"),
        EndpointConnectionError(endpoint_url="https://sns.us-east-1.amazonaws.com"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_ends_it_with_what_is_left_and_what_to_do(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[str] = []
    steps = [step("a", done), step("b", done, error), step("c", done)]
    assert not run(steps, None, lambda: ["table x", "stack y"], "To remove it: make smoke")
    printed = capsys.readouterr().out
    assert done == ["a", "b"]
    assert f"FAILED: b: {error}" in printed
    assert printed.endswith("Left behind:\n  table x\n  stack y\nTo remove it: make smoke\n")


def test_a_mistake_in_a_step_is_not_taken_for_a_finding() -> None:
    with pytest.raises(ZeroDivisionError):
        run([step("a", [], ZeroDivisionError())], None, list, "")


def test_what_is_left_is_told_even_if_it_cannot_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    def listing() -> list[str]:
        raise EndpointConnectionError(endpoint_url="https://sns.us-east-1.amazonaws.com")

    assert not run([step("a", [], SmokeError("no"))], None, listing, "To remove it: make smoke")
    assert "could not be listed: Could not connect" in capsys.readouterr().out


def test_nothing_is_said_to_be_left_if_nothing_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert not run([step("a", [], SmokeError("no"))], None, list, "To remove it")
    assert "Nothing was left behind" in capsys.readouterr().out


def test_steps_are_chosen_by_name_in_their_order() -> None:
    steps = [step(name, []) for name in "abcd"]
    assert [one.name for one in choose(steps, [], ["b"])] == ["a", "c", "d"]
    assert [one.name for one in choose(steps, ["d", "a"], [])] == ["a", "d"]
    assert [one.name for one in choose(steps, ["d", "a"], ["d"])] == ["a"]
    with pytest.raises(ConfigurationError, match="there is no step x: say a, b, c, d"):
        choose(steps, ["x"], [])


def test_something_is_waited_for_and_not_for_ever() -> None:
    waits: list[float] = []
    answers = iter([None, None, "there"])
    assert until("a thing", lambda: next(answers), 60, waits.append) == "there"
    assert waits == [5, 5]
    with pytest.raises(SmokeError, match=r"a thing: not within 1 minutes; the last answer was false"):
        until("a thing", lambda: False, 60, waits.append)
    assert sum(waits[2:]) == 60


def test_it_begins_by_looking_and_ends_by_removing() -> None:
    names = [one.name for one in STEPS]
    assert (names[0], names[-1]) == ("begin", "remove")
    assert names.index("rollback") < names.index("restore"), "an earlier version has the names of the former tables"
    assert set(ASKED) < set(names)
    assert len(set(names)) == len(names)


def test_the_documents_list_every_step() -> None:
    text = (ROOT / "docs" / "deploy.md").read_text()
    section = text[text.index("## What only a real account can show") :]
    assert [one.name for one in STEPS if f"`{one.name}`" not in section] == []


def refused(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert capsys.readouterr().out == "", "before anything is done"
    return str(ended.value)


@pytest.mark.usefixtures("_elsewhere")
def test_what_cannot_succeed_is_refused_before_anything_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert "production: is not removed; name an environment" in refused("production", capsys=capsys)
    assert "is not removed" in refused("production", "--keep", capsys=capsys)
    assert 'PROVIDERS must begin with ses, and `stack` have "SesEvents": "on"' in refused("dev", capsys=capsys)
    assert '"xray_tracing": true' in refused("dev", "--without", "events", capsys=capsys)
    assert "there is no step mail" in refused("dev", "--only", "mail", capsys=capsys)
    assert refused("nowhere", capsys=capsys).startswith("nowhere: ")
    told = refused("dev", "--only", "remove", capsys=capsys)
    assert told == "dev: is not an environment that make smoke made here: the first step is begin"


@pytest.fixture
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(World, "folder", tmp_path)


def test_an_unprotected_environment_of_any_name_may_be_removed_but_never_production(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def parameters(_: str) -> dict[str, str]:
        return {"DeletionProtection": "false"}

    monkeypatch.setattr("infra.smoke.deployment.parameters", parameters)
    deployment.refuse_what_is_in_use("staging")
    with pytest.raises(ConfigurationError):
        deployment.refuse_what_is_in_use("production")


def test_ses_must_be_asked_first_and_report() -> None:
    good = {"aws_environment_variables": {"PROVIDERS": "ses:eu,mailgun"}, "stack": {"SesEvents": "on"}}
    mail.require_ses(good)
    for bad in (
        {},
        {**good, "aws_environment_variables": {"PROVIDERS": "mailgun,ses"}},
        {**good, "stack": {"SesEvents": "off"}},
    ):
        with pytest.raises(ConfigurationError, match="PROVIDERS must begin with ses"):
            mail.require_ses(bad)
    watching.require_tracing({"xray_tracing": True})


@pytest.mark.parametrize(
    ("arns", "address"),
    [
        ("arn:aws:ses:us-east-1:1:identity/example.org", "smoke@example.org"),
        (" arn:aws:ses:us-east-1:1:identity/ann@example.org , arn:x", "ann@example.org"),
        (["arn:aws:ses:us-east-1:1:identity/b.example"], "smoke@b.example"),
        ("", "smoke@example.com"),
    ],
)
def test_the_sender_is_one_that_is_verified(arns: Any, address: str) -> None:
    assert mail.sender({"stack": {"SesIdentityArns": arns}}) == address


@pytest.fixture
def world(aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """The environment dev, in the emulator, where nothing of it is."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    session = botocore.session.get_session()
    session.set_config_variable("region", REGION)
    return World("dev", session, folder=tmp_path)


@pytest.fixture
def secret(world: World) -> Any:
    """Makes secrets, which are gone in the end."""
    client, made = world.client("secretsmanager"), list[str]()

    def make(name: str) -> None:
        client.create_secret(Name=name, SecretString="{}")
        made.append(name)

    yield make
    for name in set(made) & {one["Name"] for one in client.list_secrets()["SecretList"]}:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def test_what_is_there_is_found_and_nothing_of_another_environment(world: World, secret: Callable[[str], None]) -> None:
    assert left_behind.find(world) == []
    queues, dynamodb = world.client("sqs"), world.client("dynamodb")
    urls = [queues.create_queue(QueueName=f"emailsminder-{name}")["QueueUrl"] for name in ("dev-later", "device-x")]
    secret("emailsminder/dev/api")
    secret("emailsminder/device/api")
    assert left_behind.find(world) == ["queue emailsminder-dev-later", "secret emailsminder/dev/api"]
    with pytest.raises(SmokeError, match=r"dev is there already \(queue emailsminder-dev-later\)"):
        deployment.begin(world)
    assert not world.notes
    for url in urls:
        queues.delete_queue(QueueUrl=url)
    deployment.begin(world)
    assert world.notes == {"began": True, "secrets_made": False}
    assert not [name for name in dynamodb.list_tables()["TableNames"] if name.startswith("emailsminder-dev-")]


def test_secrets_that_were_there_stay_and_own_ones_go(world: World, secret: Callable[[str], None]) -> None:
    secret("emailsminder/dev/api")
    deployment.begin(world)
    deployment.store_secrets(world)
    deployment.remove(world)
    assert left_behind.secrets(world) == ["emailsminder/dev/api"]
    assert not world.notes

    world.note(began=True, secrets_made=True)
    deployment.remove(world)
    assert left_behind.find(world) == []


def test_a_table_outside_of_the_stack_goes_too(world: World) -> None:
    dynamodb = world.client("dynamodb")
    dynamodb.create_table(
        TableName="emailsminder-dev-smoke-emails",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    assert left_behind.find(world) == ["table emailsminder-dev-smoke-emails"]
    deployment.remove(world)
    assert left_behind.find(world) == []


def clients_that_see_mappings_go(session: botocore.session.Session) -> Callable[..., Any]:
    """Makes clients that read each mapping as one that is being deleted."""
    make_client = session.create_client

    def see(parsed: dict[str, Any], **_: Any) -> None:
        for one in parsed["EventSourceMappings"]:
            one["State"] = "Deleting"

    def create(service: str) -> Any:
        made = make_client(service)
        made.meta.events.register("after-call.lambda.ListEventSourceMappings", see)
        return made

    return create


def test_a_mapping_outlives_its_function_and_goes_too(world: World) -> None:
    functions, queues = world.client("lambda"), world.client("sqs")
    stages = [Stage(name, "changes") for name in ("dev", "device")]
    ids: dict[str, str] = {}
    for stage in stages:
        make(functions, stage)
        url = queues.create_queue(QueueName=f"read-by-{stage.environment}")["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        made = functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=stage.function)
        ids[stage.environment] = made["UUID"]
        functions.delete_function(FunctionName=stage.function)
    assert left_behind.find(world) == [f"mapping {ids['dev']}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.session, "create_client", clients_that_see_mappings_go(world.session))
        assert left_behind.find(world) == [], "AWS takes some seconds"
    deployment.remove(world)
    assert left_behind.find(world) == []
    functions.delete_event_source_mapping(UUID=ids["device"])


def test_what_cannot_be_removed_is_told_and_not_forgotten(world: World) -> None:
    queue = world.client("sqs").create_queue(QueueName="emailsminder-dev-stuck")["QueueUrl"]
    world.note(began=True, secrets_made=False)
    with pytest.raises(SmokeError, match="still there: queue emailsminder-dev-stuck"):
        deployment.remove(world)
    assert json.loads((world.folder / "smoke-dev.json").read_text())["began"]
    world.client("sqs").delete_queue(QueueUrl=queue)


@pytest.mark.full
def test_a_target_or_command_that_fails_is_named(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SmokeError, match=r"^no-such-target STAGE=dev failed"):
        world.make("no-such-target")
    with pytest.raises(SmokeError, match=r"(?s)^app.admin secrets lose failed: .*No such command"):
        world.admin("secrets", "lose")
    with pytest.raises(SmokeError, match="there is no API named emailsminder-dev"):
        world._url()
    assert settings("dev")["aws_region"] == REGION
    capfd.readouterr()
