"""Updating and rolling back under traffic, and removing."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import pytest

from app.domain.lane import Lane, of_lane
from infra import mappings
from infra.versions import ALIAS
from tests.deploy.cloud import DOORS, EMAIL, ENVIRONMENT, ROOT, Team, until
from tests.deploy.test_1_service import delivered


def traffic(api: httpx.Client, stop: Event, name: str = "update") -> list[str]:
    """An email a second until `stop`; the ids that were accepted. A client asks again, with the same key, as it may."""
    accepted: list[str] = []
    for number in range(1000):
        while True:
            try:
                answer = api.post("/v1/emails", json=EMAIL, headers={"Idempotency-Key": f"{name}-{number}"})
            except httpx.TransportError:
                continue
            if answer.status_code in (200, 202):
                break
            assert answer.status_code >= 500, answer.text
            if stop.wait(1):
                return accepted
        accepted.append(str(answer.json()["id"]))
        if stop.wait(1):
            break
    return accepted


def deployments(team: Team) -> dict[str, tuple[str, str]]:
    """The deployment that is live of each function, and its version."""
    live = {door: team.function(door) for door in DOORS}
    return {door: (one["Environment"]["Variables"]["DEPLOYMENT"], one["Version"]) for door, one in live.items()}


@pytest.fixture
def changed_secret(team: Team, tmp_path: Path) -> None:
    """Another key proves webhooks, beside the present one. Nothing else is changed."""
    manager = team.cloud.client("secretsmanager")
    both = [f"emailsminder/{ENVIRONMENT}/{process}" for process in ("api", "worker")]
    values = [json.loads(manager.get_secret_value(SecretId=name)["SecretString"]) for name in both]
    whole = {**values[0], **values[1]}
    whole["MAILGUN_WEBHOOK_SIGNING_KEY"] += ",another-key-that-proves-webhooks"
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps(whole))
    team.run(sys.executable, "-m", "app.admin", "secrets", "store", str(file), "--stage", ENVIRONMENT)


@pytest.mark.usefixtures("changed_secret")
def test_update_loses_nothing_and_keeps_what_zappa_would_drop(team: Team, api: httpx.Client) -> None:
    before = deployments(team)
    assert len({name for name, _ in before.values()}) == 1, "seven doors, one deployment"
    stop = Event()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(traffic, api, stop)
        team.make("deploy", f"STAGE={ENVIRONMENT}")
        stop.set()
        accepted = sending.result(timeout=60)
    after = deployments(team)
    assert len({name for name, _ in after.values()}) == 1
    assert all(int(after[door][1]) > int(before[door][1]) for door in DOORS), "a changed secret reaches every function"
    assert len(accepted) > 5
    # A worker replaced in mid-call leaves a lease of 30 s, then evidence is awaited for 60 s; a sweep ends each.
    for email_id in accepted:
        delivered(api, email_id, within_s=300)
    for lane in Lane:
        worker = f"emailsminder-{ENVIRONMENT}-attempts-{lane}"
        queue_arn = team.function(f"attempts-{lane}")["DeadLetterConfig"]["TargetArn"]
        assert queue_arn.endswith(f"{ENVIRONMENT}-dead-letters")
        topic_arn = of_lane(team.variables()["TOPIC_ARN"], lane)
        subscriptions = team.cloud.client("sns").list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"]
        assert [subscription["Endpoint"].split(":")[-2:] for subscription in subscriptions] == [[worker, ALIAS]]
        policy = team.cloud.client("lambda").get_policy(FunctionName=worker, Qualifier=ALIAS)["Policy"]
        assert policy.count("sns.amazonaws.com") == 1
    variables = team.variables()
    stream = mappings.stream_of(team.cloud.client("dynamodb"), variables["TABLE_PREFIX"])
    queue = f"emailsminder-{ENVIRONMENT}-notifications"
    for door, source in {"changes": stream, "deliveries": queue}.items():
        name = f"emailsminder-{ENVIRONMENT}-{door}"
        (mapping,) = team.cloud.client("lambda").list_event_source_mappings(FunctionName=f"{name}:{ALIAS}")[
            "EventSourceMappings"
        ]
        assert mapping["EventSourceArn"].endswith(source)
        assert mapping["FunctionArn"].endswith(f"{name}:{ALIAS}")
    (rule,) = team.cloud.client("events").list_rules()["Rules"]
    (target,) = team.cloud.client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"].endswith(f"emailsminder-{ENVIRONMENT}-sweep:{ALIAS}")


def test_nobody_deploys_while_somebody_deploys(team: Team) -> None:
    waiting = subprocess.Popen(
        [".deploy/bin/python", "-m", "infra.lock", "hold", ENVIRONMENT, "cat"],
        cwd=ROOT,
        env=team.cloud.env,
        stdin=subprocess.PIPE,
    )
    ssm = team.cloud.client("ssm")
    until("held", lambda: ssm.describe_parameters()["Parameters"], within_s=60)
    for command in ("deploy", "rollback", "remove"):
        said = team.run("make", command, f"STAGE={ENVIRONMENT}", fails=True)
        assert f"{ENVIRONMENT}: is being changed by" in said
        assert "Deploy" not in said
    waiting.communicate(timeout=60)
    assert ssm.describe_parameters()["Parameters"] == []


def test_rollback_loses_nothing_and_goes_forward_again(team: Team, api: httpx.Client) -> None:
    newest = deployments(team)
    stop = Event()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(traffic, api, stop, "rollback")
        team.make("rollback", f"STAGE={ENVIRONMENT}")
        earlier = deployments(team)
        stop.wait(3)
        team.make("rollback", f"STAGE={ENVIRONMENT}", f"TO={newest[''][0]}")
        stop.wait(3)
        stop.set()
        accepted = sending.result(timeout=60)
    assert len({name for name, _ in earlier.values()}) == 1
    assert earlier[""][0] != newest[""][0]
    assert deployments(team) == newest
    listed = team.make("versions", f"STAGE={ENVIRONMENT}").splitlines()
    assert [(line.split()[0], line.endswith("live")) for line in listed] == [
        (newest[""][0], True),
        (earlier[""][0], False),
    ]
    assert len(accepted) > 3
    for email_id in accepted:
        delivered(api, email_id, within_s=300)
    team.make("rollback", f"STAGE={ENVIRONMENT}")
    said = team.run("make", "rollback", f"STAGE={ENVIRONMENT}", fails=True)
    assert f"{ENVIRONMENT}: there is no deployment before {earlier[''][0]}" in said
    team.make("rollback", f"STAGE={ENVIRONMENT}", f"TO={newest[''][0]}")


def test_applying_the_stack_again_changes_nothing(team: Team) -> None:
    client = team.cloud.client("cloudformation")
    name = f"emailsminder-{ENVIRONMENT}-resources"
    before = client.describe_stack_events(StackName=name)["StackEvents"]
    team.run(".deploy/bin/python", "-m", "infra.stack", "apply", ENVIRONMENT)
    assert client.describe_stack_events(StackName=name)["StackEvents"] == before


def test_remove_keeps_the_data_and_silences_the_alarms(team: Team, api: httpx.Client) -> None:
    table = f"{team.variables()['TABLE_PREFIX']}emails"
    dynamodb = team.cloud.client("dynamodb")
    before = dynamodb.scan(TableName=table, Select="COUNT")["Count"]
    assert before > 0
    team.make("remove", f"STAGE={ENVIRONMENT}")
    assert team.cloud.client("lambda").list_functions()["Functions"] == []
    assert team.cloud.client("events").list_rules()["Rules"] == []
    assert team.cloud.client("apigateway").get_rest_apis()["items"] == []
    assert dynamodb.scan(TableName=table, Select="COUNT")["Count"] == before
    alarms = team.cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert alarms
    assert not any(alarm["ActionsEnabled"] for alarm in alarms)


def test_delete_refuses_protected_tables_and_then_takes_everything(team: Team) -> None:
    command = (".deploy/bin/python", "-m", "infra.stack", "delete", ENVIRONMENT)
    assert "protected" in team.run(*command, fails=True)
    dynamodb = team.cloud.client("dynamodb")
    for table in dynamodb.list_tables()["TableNames"]:
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    team.run(*command)
    assert team.cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert dynamodb.list_tables()["TableNames"] == []
    assert team.cloud.client("s3").list_buckets()["Buckets"] == []
