"""The template: that it describes what the code expects."""

import json
import re
from typing import Any

import pytest
from pynamodb.attributes import TTLAttribute
from pynamodb.models import Model

from app.domain.lane import Lane
from app.metrics import VIEWS
from app.store.tables import MODELS
from infra import account_alarms
from infra.stages import NOTIFIERS, ROOT
from infra.template import TEMPLATE, body, expand, load
from infra.template_bucket import LARGEST
from infra.versions import ALIAS
from tests.infra import template

TABLES = {
    found["Properties"]["TableName"]["Sub"].removeprefix("${TablePrefix}"): found
    for found in template.resources("AWS::DynamoDB::Table").values()
}


def keys(schema: list[dict[str, str]]) -> list[tuple[str, str]]:
    return sorted((key["KeyType"], key["AttributeName"]) for key in schema)


def described(model: type[Model]) -> dict[str, Any]:
    """What PynamoDB would create."""
    return dict(model._get_schema())


def test_every_table_of_the_code_is_there_and_no_other() -> None:
    assert set(TABLES) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_table_is_as_its_model_says(name: str) -> None:
    properties, schema = TABLES[name]["Properties"], described(MODELS[name][0])
    assert keys(properties["KeySchema"]) == keys(schema["key_schema"])
    assert {(d["AttributeName"], d["AttributeType"]) for d in properties["AttributeDefinitions"]} == {
        (d["AttributeName"], d["AttributeType"]) for d in schema["attribute_definitions"]
    }
    assert sorted(
        (index["IndexName"], keys(index["KeySchema"]), index["Projection"]["ProjectionType"])
        for index in properties.get("GlobalSecondaryIndexes", [])
    ) == sorted(
        (index["index_name"], keys(index["key_schema"]), index["projection"]["ProjectionType"])
        for index in schema["global_secondary_indexes"]
    )


@pytest.mark.parametrize("name", MODELS)
def test_table_expires_its_items_where_the_model_has_a_ttl(name: str) -> None:
    attributes = [attribute for model in MODELS[name] for attribute in model.get_attributes().values()]
    fields = {attribute.attr_name for attribute in attributes if isinstance(attribute, TTLAttribute)}
    ttl = TABLES[name]["Properties"].get("TimeToLiveSpecification")
    assert ttl == ({"AttributeName": fields.pop(), "Enabled": True} if fields else None)


@pytest.mark.parametrize("name", MODELS)
def test_table_survives(name: str) -> None:
    table = TABLES[name]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    properties = table["Properties"]
    assert properties["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": {"Ref": "RecoveryDays"},
    }
    assert properties["DeletionProtectionEnabled"] == {"If": ["IsProtected", True, False]}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


def test_every_table_and_index_can_be_warmed() -> None:
    warm = {"ReadUnitsPerSecond": {"Ref": "WarmReads"}, "WriteUnitsPerSecond": {"Ref": "WarmWrites"}}
    wanted = {"If": ["HasWarmThroughput", warm, {"Ref": "AWS::NoValue"}]}
    for table in TABLES.values():
        properties = table["Properties"]
        for one in (properties, *properties.get("GlobalSecondaryIndexes", [])):
            assert one["WarmThroughput"] == wanted
            assert one["OnDemandThroughput"]["If"][0] == "HasCeiling"


def test_every_bucket_is_private() -> None:
    for bucket in template.resources("AWS::S3::Bucket").values():
        assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["Properties"]["PublicAccessBlockConfiguration"]) == 4


def test_every_log_group_ends() -> None:
    groups = template.resources("AWS::Logs::LogGroup")
    assert {group["Properties"]["LogGroupName"]["Sub"] for group in groups.values()} == {
        "/aws/lambda/emailsminder-${Environment}",
        *(f"/aws/lambda/emailsminder-${{Environment}}-attempts-{lane}" for lane in Lane),
        *(f"/aws/lambda/emailsminder-${{Environment}}-{door}" for door in (*NOTIFIERS, "sweep")),
        "/aws/apigateway/emailsminder-${Environment}",
    }
    assert all(group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())


def metrics_of_the_dashboard() -> set[tuple[str, str]]:
    body = template.resources("AWS::CloudWatch::Dashboard")["Dashboard"]["Properties"]["DashboardBody"]["Sub"]
    rows = [row for widget in json.loads(body)["widgets"] for row in widget["properties"]["metrics"]]
    searched = [row[0]["expression"] for row in rows if isinstance(row[0], dict)]
    named = {(row[0], row[1]) for row in rows if row[0] not in ("...",) and isinstance(row[0], str)}
    return named | {("EmailsMinder", search.split('MetricName="')[1].split('"')[0]) for search in searched}


def test_dashboard_shows_every_metric_of_ours_and_no_other() -> None:
    ours = {name for namespace, name in metrics_of_the_dashboard() if namespace == "EmailsMinder"}
    assert ours == {view.name for views in VIEWS.values() for view in views}


def test_dashboard_shows_what_the_architecture_lists() -> None:
    assert metrics_of_the_dashboard() >= {
        ("AWS/ApiGateway", "Count"),
        ("EmailsMinder", "Requests2xx"),
        ("AWS/ApiGateway", "4XXError"),
        ("AWS/ApiGateway", "5XXError"),
        ("AWS/SNS", "NumberOfMessagesPublished"),
        ("EmailsMinder", "MessagesProcessed"),
        ("EmailsMinder", "MessagesFailed"),
        ("AWS/Lambda", "Invocations"),
        ("AWS/Lambda", "Errors"),
    }


OF_WORKERS = [(f"{lane}AttemptsRole", "worker") for lane in Lane]
PAGES = {
    *(f"{lane}-{kind}" for lane in ("urgent", "normal") for kind in ("backlog", "throttled")),
    "server-errors",
    "api-slow",
    "api-throttled",
    *(f"{door}-errors" for door in (*Lane, *NOTIFIERS)),
    "changes-behind",
    "notifications-behind",
    "sweep-silent",
    "sweep-fails",
    "nothing-accepted",
}
ALARMS = {
    found["Properties"]["AlarmName"]["Sub"].removeprefix("emailsminder-${Environment}-"): found["Properties"]
    for found in template.resources("AWS::CloudWatch::Alarm").values()
}


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_tells_somebody_and_only_what_does_not_heal_wakes_them_up(name: str) -> None:
    level = "Page" if name in PAGES else "Ticket"
    actions = [{"If": [f"Has{level}Topic", {"Ref": f"{level}TopicArn"}, {"Ref": f"{level}Topic"}]}]
    assert ALARMS[name]["AlarmActions"] == ALARMS[name]["OKActions"] == actions
    assert ALARMS[name]["ActionsEnabled"] == {"Ref": "Alarms"}
    assert ALARMS[name]["TreatMissingData"] == ("breaching" if name == "sweep-silent" else "notBreaching")
    if name in PAGES:
        wait_s = ALARMS[name]["Period"] * ALARMS[name].get("DatapointsToAlarm", ALARMS[name]["EvaluationPeriods"])
        assert 180 <= wait_s <= 900, "nobody is woken up for a moment"


def test_alarms_are_about_metrics_that_there_are() -> None:
    views = {view.name: view.dimensions for views in VIEWS.values() for view in views}
    for properties in ALARMS.values():
        if properties["Namespace"] == "EmailsMinder":
            assert views[properties["MetricName"]] == ()
    for alarm in account_alarms.ALARMS.values():
        assert views[alarm["MetricName"]] == ("provider",)


def test_every_alarm_has_its_line_in_the_runbook_with_its_level() -> None:
    rows = re.findall(r"^\| (`[^|]+) \| (page|ticket) \|", (ROOT / "docs" / "deploy.md").read_text(), re.MULTILINE)
    documented = {name: level for names, level in rows for name in re.findall(r"`([\w…-]+)`", names)}
    made = {name: "page" if name in PAGES else "ticket" for name in ALARMS}
    assert documented == made | {f"{kind}-…": "ticket" for kind in account_alarms.ALARMS}


@pytest.mark.parametrize("lane", Lane)
def test_the_worker_may_switch_tracking_at_ses_and_no_other_right_is_unbounded(lane: Lane) -> None:
    (policy,) = template.resources("AWS::IAM::Role")[f"{lane}AttemptsRole"]["Properties"]["Policies"]
    statements = [found.get("If", [None, found])[1] for found in policy["PolicyDocument"]["Statement"]]
    sending = [found for found in statements if "ses:SendEmail" in found["Action"]]
    unbounded = [found for found in statements if found["Resource"] == "*"]
    assert len(sending) == 2
    assert [found["Action"] for found in unbounded] == ["ses:ApplyTrackingConfigurationOverrides"]


OF_OTHERS = [("ApiRole", "api"), ("DeliveriesRole", "deliveries"), ("ChangesRole", None), ("SweepRole", None)]


@pytest.mark.parametrize(("role", "secret"), [*OF_WORKERS, *OF_OTHERS])
def test_each_role_reads_the_secret_of_its_process_and_no_other(role: str, secret: str | None) -> None:
    (policy,) = template.resources("AWS::IAM::Role")[role]["Properties"]["Policies"]
    statements = [found.get("If", [None, found])[1] for found in policy["PolicyDocument"]["Statement"]]
    reading = [found for found in statements if "secretsmanager" in str(found["Action"])]
    assert [found["Action"] for found in reading] == ["secretsmanager:GetSecretValue"] * (secret is not None)
    for found in reading:
        assert found["Resource"]["Sub"].endswith(f":secret:emailsminder/${{Environment}}/{secret}-??????")


def test_ses_reports_what_it_tracks() -> None:
    (found,) = template.resources("AWS::SES::ConfigurationSetEventDestination").values()
    assert {"open", "click"} <= set(found["Properties"]["EventDestination"]["MatchingEventTypes"])


def test_the_gate_checks_the_template_at_the_lowest_level() -> None:
    """What is ignored there is in the template, with its reason."""
    (rule,) = re.findall(r"^check: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "python -m infra.template > build/template.json" in rule
    assert "cfn-lint --include-checks I -- build/template.json" in rule
    config = load()["Metadata"]["cfn-lint"]["config"]
    assert config == {"ignore_checks": ["I3011"]}


def test_template_is_what_cloudformation_reads() -> None:
    assert template.anchors(TEMPLATE.read_text()) == [], "CloudFormation knows no anchors and aliases"
    assert len(body().encode()) < LARGEST / 4


def test_template_is_sent_as_it_is_written() -> None:
    """Short and long forms say the same."""

    def long(found: Any) -> Any:
        if isinstance(found, list):
            return [long(one) for one in found]
        if not isinstance(found, dict):
            return found
        name, value = next(iter(found.items()), ("", ""))
        if len(found) == 1 and name in ("Sub", "GetAtt", "If", "Equals", "Not", "Or", "Split"):
            return {f"Fn::{name}": long(value.split(".", 1) if name == "GetAtt" else value)}
        return {key: long(one) for key, one in found.items()}

    assert load() == long(template.load())
    assert json.loads(body()) == load()


def test_whoever_calls_a_function_calls_its_alias() -> None:
    (policy,) = template.resources("AWS::IAM::Role")["ApiRole"]["Properties"]["Policies"]
    (calling,) = [one for one in policy["PolicyDocument"]["Statement"] if one.get("Action") == "lambda:InvokeFunction"]
    assert calling["Resource"]["Sub"].endswith(f":function:emailsminder-${{Environment}}:{ALIAS}")


def test_codedeploy_shifts_on_request_only_and_goes_back_on_an_alarm_of_the_api() -> None:
    made = {name: one for name, one in template.load()["Resources"].items() if "CodeDeploy" in str(one["Type"])}
    assert {one["Condition"] for one in made.values()} == {"HasCodeDeploy"}
    assert template.load()["Parameters"]["CodeDeploy"]["Default"] == "off"
    names = {"Sub": "emailsminder-${Environment}"}
    assert made["DeployApplication"]["Properties"] == {"ApplicationName": names, "ComputePlatform": "Lambda"}
    group = made["DeployGroup"]["Properties"]
    assert group["DeploymentGroupName"] == names, "as the command of infra/release.py says"
    alarms = [one["Name"]["Ref"] for one in group["AlarmConfiguration"]["Alarms"]]
    assert alarms == ["ServerErrorsAlarm", "ApiSlowAlarm"]
    assert all(name in template.resources("AWS::CloudWatch::Alarm") for name in alarms)


def test_what_is_there_for_each_lane_is_there_for_every_lane_that_there_is() -> None:
    found = template.load()
    for kind in ("AttemptsTopic", "AttemptsTopicPolicy", "DelayQueue", "AttemptsLogs", "AttemptsRole"):
        assert [name for name in found["Resources"] if name.endswith(kind)] == [f"{lane}{kind}" for lane in Lane]
    assert {f"{lane}TopicArn" for lane in Lane} <= found["Outputs"].keys()
    assert "${Lane}" not in body()


def test_a_worker_publishes_to_its_own_topic_and_delay_queue_only() -> None:
    for lane in Lane:
        (policy,) = template.resources("AWS::IAM::Role")[f"{lane}AttemptsRole"]["Properties"]["Policies"]
        text = json.dumps(policy)
        assert [other for other in Lane if f"{other}AttemptsTopic" in text or f"{other}DelayQueue" in text] == [lane]


def test_for_each_is_written_out_with_every_value_in_every_place() -> None:
    loop = ["X", ["a", "b"], {"${X}One": {"Ref": "${X}Two", "is": True, "list": ["${X}", {"${X}": 1}]}}]
    assert expand({"Fn::ForEach::Some": loop, "other": [{"Fn::ForEach::Some": loop}]}) == {
        "aOne": {"Ref": "aTwo", "is": True, "list": ["a", {"a": 1}]},
        "bOne": {"Ref": "bTwo", "is": True, "list": ["b", {"b": 1}]},
        "other": [
            {
                "aOne": {"Ref": "aTwo", "is": True, "list": ["a", {"a": 1}]},
                "bOne": {"Ref": "bTwo", "is": True, "list": ["b", {"b": 1}]},
            }
        ],
    }
