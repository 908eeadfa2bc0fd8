"""The template: whatever it names by hand, in an ARN, an alarm or the dashboard, is there under that name."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.settings import Process
from infra.stages import ENTRY_POINTS, WORKERS, Stage
from infra.template import load
from infra.versions import ALIAS

RESOURCES: dict[str, Any] = load()["Resources"]
PSEUDO = {"AWS::Partition", "AWS::Region", "AWS::AccountId", "AWS::NoValue"}
PLACEHOLDER = r"arn:\$\{AWS::Partition\}:[a-z0-9]+:(?:\$\{AWS::Region\})?:(?:\$\{AWS::AccountId\}|aws)?:"
FUNCTIONS = {Stage("${Environment}", door).function for door in ENTRY_POINTS}
ROLES = {door: f"{WORKERS[door]}Attempts" if door in WORKERS else door.capitalize() for door in ENTRY_POINTS}


def texts(found: Any) -> Iterator[str]:
    """Every text that is in this, as Fn::Sub gets it or plain."""
    if isinstance(found, str):
        yield found
    for one in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from texts(one)


def named(kind: str, name: str) -> set[str]:
    """The names of the resources of a kind, as the template writes them, with `${Environment}` in them."""
    found = (one["Properties"].get(name) for one in RESOURCES.values() if one["Type"] == kind)
    return {one["Fn::Sub"] if isinstance(one, dict) else one for one in found if one}


ARNS = sorted({text for text in texts(RESOURCES) if text.startswith("arn:")})


def test_there_are_arns_to_look_at() -> None:
    services = {arn.split(":", 3)[2] if "::" not in arn[:20] else arn.split("}:")[1].split(":")[0] for arn in ARNS}
    assert {"logs", "secretsmanager", "lambda", "iam", "ses"} <= services


@pytest.mark.parametrize("arn", ARNS)
def test_what_an_arn_names_is_there(arn: str) -> None:
    place = re.match(PLACEHOLDER, arn)
    assert place, f"{arn} has another form"
    what = arn.removeprefix(place[0])
    if match := re.fullmatch(r"log-group:\$\{(\w+)\}:\*", what):
        assert RESOURCES[match[1]]["Type"] == "AWS::Logs::LogGroup"
    elif match := re.fullmatch(r"secret:emailsminder/\$\{Environment\}/(\w+)-\?{6}", what):
        assert match[1] in set(Process)
    elif match := re.fullmatch(rf"function:(.+):{ALIAS}", what):
        assert match[1] in FUNCTIONS
    elif match := re.fullmatch(r"configuration-set/(.+)", what):
        assert match[1] in named("AWS::SES::ConfigurationSet", "Name")
    else:  # whatever else there is has a name of AWS's, and is referred to by its logical name
        assert re.fullmatch(r"root|policy/(service-role/)?A\w+", what), f"{what}: say it by its logical name"


def test_what_is_referred_to_is_there() -> None:
    known = RESOURCES.keys() | load()["Parameters"].keys() | PSEUDO
    referred = {name for text in texts(RESOURCES) for name in re.findall(r"\$\{([\w:]+)[.}]", text)}
    assert referred <= known
    refs = {
        name
        for match in re.findall(r'\{"Ref": "([^"]+)"\}|"Fn::GetAtt": \["(\w+)"', json.dumps(RESOURCES))
        for name in match
    }
    assert refs - {""} <= known


def statements(role: str) -> list[dict[str, Any]]:
    (policy,) = RESOURCES[f"{role}Role"]["Properties"]["Policies"]
    found = [one["Fn::If"][1] if "Fn::If" in one else one for one in policy["PolicyDocument"]["Statement"]]
    return [one | {"Action": [one["Action"]] if isinstance(one["Action"], str) else one["Action"]} for one in found]


@pytest.mark.parametrize("door", ENTRY_POINTS)
def test_each_function_writes_into_its_own_log_group_and_into_no_other(door: str) -> None:
    """Lambda decides by the function's name, and without this right a function has no log, and no metric of ours."""
    group = f"{ROLES[door]}Logs"
    name = RESOURCES[group]["Properties"]["LogGroupName"]["Fn::Sub"]
    assert name == f"/aws/lambda/{Stage('${Environment}', door).function}"
    (writing,) = [one for one in statements(ROLES[door]) if "logs:PutLogEvents" in one["Action"]]
    assert writing["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert writing["Resource"]["Fn::Sub"].endswith(f":log-group:${{{group}}}:*")


@pytest.mark.parametrize("door", ENTRY_POINTS)
def test_each_function_reads_the_secret_that_the_deployment_names_to_it(door: str) -> None:
    reading = [one["Resource"] for one in statements(ROLES[door]) if "secretsmanager:GetSecretValue" in one["Action"]]
    wanted = Stage("${Environment}", door).secret_name
    assert [one["Fn::Sub"].partition(":secret:")[2] for one in reading] == ([f"{wanted}-??????"] if wanted else [])


def widgets() -> list[dict[str, Any]]:
    """The properties of each widget of the dashboard."""
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    return [widget["properties"] for widget in json.loads(body)["widgets"]]


KINDS = {
    "FunctionName": FUNCTIONS,
    "TopicName": named("AWS::SNS::Topic", "TopicName"),
    "QueueName": named("AWS::SQS::Queue", "QueueName"),
    "ApiName": {Stage("${Environment}", "api").function},
}


def test_alarms_and_the_dashboard_look_at_what_is_there() -> None:
    alarms = [one["Properties"] for one in RESOURCES.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    looked_at = {(one["Name"], json.dumps(one["Value"])) for alarm in alarms for one in alarm["Dimensions"]}
    rows = [row for widget in widgets() for row in widget["metrics"]]
    shown = {(row[at], json.dumps({"Fn::Sub": row[at + 1]})) for row in rows for at in range(2, len(row) - 1, 2)}
    seen = 0
    for name, value in looked_at | shown:
        if name in KINDS and "Fn::Sub" in json.loads(value):
            assert json.loads(value)["Fn::Sub"] in KINDS[name], (name, value)
            seen += 1
    assert seen > len(KINDS)


def test_no_widget_shows_a_metric_twice() -> None:
    for widget in widgets():
        rows = [json.dumps(row) for row in widget["metrics"] if row[0] != "..."]
        assert sorted(rows) == sorted(set(rows)), widget["title"]
