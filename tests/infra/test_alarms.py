"""When alarms tell somebody, and the alarms of single accounts."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from app.errors import ConfigurationError
from infra import account_alarms, alarms, hooks
from infra.cloudformation import StackError
from infra.stack import Stack
from infra.stages import NOTIFIERS, WORKERS, Stage
from tests.support.aws import REGION, Aws

TOPIC = "arn:aws:sns:us-east-1:123456789012:ticket"


def cloudwatch() -> Any:
    return botocore.session.get_session().create_client(
        "cloudwatch", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )


@pytest.mark.parametrize(
    "parameters",
    [{}, {"AlarmEmail": ""}, {"DeletionProtection": "true", "PageTopicArn": "arn"}, {"TicketTopicArn": "arn"}],
)
def test_somebody_must_be_told_where_tables_are_protected(parameters: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^production: nobody would be told of an alarm; set AlarmEmail"):
        alarms.require_somebody("production", parameters, {})
    alarms.require_somebody("production", parameters, {"ALARMS": "off"})
    alarms.require_somebody("production", {**parameters, "DeletionProtection": "false"}, {})
    alarms.require_somebody("production", {**parameters, "AlarmEmail": "ann@example.com"}, {})
    alarms.require_somebody("production", {**parameters, "PageTopicArn": "arn", "TicketTopicArn": "arn"}, {})


def sweep_is(*states: str) -> tuple[Any, Stubber]:
    """A client of CloudWatch by which the alarm of the sweep is in these states, one after the other."""
    client = cloudwatch()
    stub = Stubber(client)
    for state in states:
        wanted = {"AlarmNames": ["emailsminder-production-sweep-silent"]}
        found = [{"StateValue": state}] if state else []
        stub.add_response("describe_alarms", {"MetricAlarms": found}, wanted)
    return client, stub


def test_the_sweep_s_silence_before_it_ran_is_waited_for() -> None:
    client, stub = sweep_is("", "INSUFFICIENT_DATA", "ALARM", "OK")
    waits: list[float] = []
    with stub:
        assert alarms.wait_for_the_sweep(client, "production", waits.append)
    assert waits == [alarms.INTERVAL_S] * 3


def test_a_sweep_that_does_not_run_is_waited_for_some_minutes() -> None:
    client, stub = sweep_is(*["ALARM"] * (alarms.PATIENCE_S // alarms.INTERVAL_S))
    waits: list[float] = []
    with stub:
        assert not alarms.wait_for_the_sweep(client, "production", waits.append)
    assert sum(waits) == alarms.PATIENCE_S


@pytest.fixture
def stack(new_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack of an environment of its own, not made yet; gone in the end."""
    monkeypatch.delenv("ALARMS", raising=False)
    return new_stack


class Deployment:
    """The API's last hook, as Zappa would call it."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self.stage = stack, Stage(stack.environment, "api")
        self.file = folder / "zappa_settings.json"
        name = stack.environment
        api = {"stack": {"DeletionProtection": "false"}}
        workers = {f"{name}_{door}": {"extends": name} for door in (*WORKERS, *NOTIFIERS)}
        self.file.write_text(json.dumps({name: api, **workers, f"{name}_sweep": api}))
        self.cloudwatch = stack.client("cloudwatch")

    def apply(self) -> None:
        self.stack.apply({"DeletionProtection": "false", "Alarms": hooks._alarms(self.stack)}, {})

    def sweep_is(self, state: str) -> None:
        name = f"emailsminder-{self.stack.environment}-sweep-silent"
        self.cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")

    def finish(self) -> None:
        session = SimpleNamespace(_session=self.stack.session, client=lambda _: self.cloudwatch)
        zappa = SimpleNamespace(
            vargs={"settings_file": str(self.file)},
            stage_config={"aws_environment_variables": {"PROVIDERS": "sendgrid"}},
            zappa=SimpleNamespace(boto_session=session),
        )
        hooks.switch_alarms(zappa, self.stage)

    def are_on(self) -> set[bool]:
        pages = self.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"emailsminder-{self.stack.environment}-"
        )
        return {alarm["ActionsEnabled"] for page in pages for alarm in page["MetricAlarms"]}


def test_alarms_are_off_until_everything_is_deployed_and_the_sweep_runs(
    aws: Aws, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = Deployment(stack, tmp_path)
    deployment.apply()
    assert deployment.are_on() == {False}
    deployment.sweep_is("ALARM")
    monkeypatch.setattr(alarms, "PATIENCE_S", 0)
    with pytest.raises(StackError, match=r"^everything is deployed, but the sweep does not run"):
        deployment.finish()
    monkeypatch.undo()
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    assert deployment.are_on() == {False}
    deployment.sweep_is("OK")
    deployment.finish()
    assert deployment.are_on() == {True}

    deployment.sweep_is("ALARM")  # an update neither switches them off, nor waits
    deployment.apply()
    assert deployment.are_on() == {True}
    deployment.finish()
    assert deployment.are_on() == {True}


def test_nobody_is_told_with_alarms_off(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = Deployment(stack, tmp_path)
    stack.apply({"DeletionProtection": "false", "Alarms": "true"}, {})
    monkeypatch.setenv("ALARMS", "off")
    deployment.apply()
    deployment.finish()
    assert deployment.are_on() == {False}


OF_SES = {"service": "emailsminder-production", "provider": "ses:eu"}


@pytest.mark.parametrize(("kind", "metric"), [("bounces", "HardBounceShare"), ("complaints", "ComplaintShare")])
def test_a_share_is_that_of_a_day_s_mails_of_the_account(kind: str, metric: str) -> None:
    with mock_aws():
        client = cloudwatch()
        account_alarms.apply(client, "production", ["ses:eu"], TOPIC, is_on=True)
        (alarm,) = client.describe_alarms(AlarmNamePrefix=f"emailsminder-production-{kind}")["MetricAlarms"]
        queries = {one["Id"]: one for one in alarm["Metrics"]}
        assert [name for name, one in queries.items() if one["ReturnData"]] == ["judged"]
        for name, statistic in (("share", "Average"), ("mails", "SampleCount")):
            stat = queries[name]["MetricStat"]
            assert (stat["Metric"]["MetricName"], stat["Stat"], stat["Period"]) == (metric, statistic, 86_400)
            assert {one["Name"]: one["Value"] for one in stat["Metric"]["Dimensions"]} == OF_SES


@pytest.mark.parametrize(
    ("kind", "mails", "reports", "alarms_somebody"),
    [
        ("bounces", 3, 1, False),
        ("bounces", 99, 20, False),
        ("bounces", 100, 5, False),
        ("bounces", 100, 6, True),
        ("bounces", 100_000, 4_000, False),
        ("complaints", 3, 2, False),
        ("complaints", 200, 1, False),
        ("complaints", 200, 2, True),
        ("complaints", 10_000, 10, False),
        ("complaints", 10_000, 11, True),
    ],
)
def test_a_share_of_few_mails_alarms_nobody(kind: str, mails: int, reports: int, alarms_somebody: bool) -> None:
    """The expression is calculated as CloudWatch's metric math defines IF and AND."""
    found = re.fullmatch(r"IF\((.*), (\w+), (\w+)\)", account_alarms._SHARE)
    assert found is not None
    condition, then, otherwise = found.groups()
    python = f"{then} if {condition.replace('AND', 'and')} else {otherwise}"
    value = eval(python, {"mails": mails, "share": reports / mails})  # noqa: S307 because the expression is our own
    assert (value > account_alarms.ALARMS[kind]["Threshold"]) is alarms_somebody


def names(client: Any) -> set[str]:
    return {alarm["AlarmName"].removeprefix("emailsminder-") for alarm in client.describe_alarms()["MetricAlarms"]}


def test_an_account_has_alarms_as_long_as_it_is_one() -> None:
    with mock_aws():
        client = cloudwatch()
        account_alarms.apply(client, "dev", ["mailgun"], TOPIC, is_on=True)
        account_alarms.apply(client, "production", ["sendgrid", "ses:eu"], TOPIC, is_on=True)
        account_alarms.apply(client, "production", ["ses:eu"], TOPIC, is_on=True)
        kinds = ("bounces", "complaints", "unattributed")
        of_ses = {f"production-{kind}-ses-eu" for kind in kinds}
        assert names(client) == of_ses | {f"dev-{kind}-mailgun" for kind in kinds}
        found = client.describe_alarms(AlarmNamePrefix="emailsminder-production-unattributed")["MetricAlarms"][0]
        assert {one["Name"]: one["Value"] for one in found["Dimensions"]} == OF_SES
        assert found["AlarmActions"] == [TOPIC]
        account_alarms.silence(client, "production")
        on = {alarm["AlarmName"]: alarm["ActionsEnabled"] for alarm in client.describe_alarms()["MetricAlarms"]}
        assert {name for name, is_on in on.items() if is_on} == {f"emailsminder-dev-{kind}-mailgun" for kind in kinds}
        account_alarms.delete(client, "production")
        assert names(client) == {f"dev-{kind}-mailgun" for kind in kinds}
