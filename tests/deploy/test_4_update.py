"""Updating and rolling back under traffic, and removing."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from zipfile import ZipFile

import httpx

from tests.deploy.cloud import EMAIL, ENVIRONMENT, ROOT, Team
from tests.deploy.test_1_service import delivered

DOORS = ("", "attempts", "sweep")


def traffic(api: httpx.Client, stop: Event) -> list[str]:
    """An email a second until `stop`; the ids that were accepted. A client asks again, with the same key, as it may."""
    accepted: list[str] = []
    for number in range(1000):
        while True:
            try:
                answer = api.post("/v1/emails", json=EMAIL, headers={"Idempotency-Key": f"update-{number}"})
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


def test_update_loses_nothing_and_keeps_what_zappa_would_drop(team: Team, api: httpx.Client) -> None:
    stop = Event()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(traffic, api, stop)
        team.make("deploy", f"STAGE={ENVIRONMENT}")
        stop.set()
        accepted = sending.result(timeout=60)
    assert len(accepted) > 5
    # A worker replaced in mid-call leaves a lease of 30 s, then evidence is awaited for 60 s; a sweep ends each.
    for email_id in accepted:
        delivered(api, email_id, within_s=300)
    assert team.function("attempts")["DeadLetterConfig"]["TargetArn"].endswith(f"{ENVIRONMENT}-dead-letters")
    topic_arn = team.variables()["TOPIC_ARN"]
    subscriptions = team.cloud.client("sns").list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"]
    assert [subscription["Protocol"] for subscription in subscriptions] == ["lambda"]
    worker = f"emailsminder-{ENVIRONMENT}-attempts"
    policy = team.cloud.client("lambda").get_policy(FunctionName=worker)["Policy"]
    assert policy.count("sns.amazonaws.com") == 1


def test_rollback_puts_an_earlier_package_back(team: Team, api: httpx.Client, tmp_path: Path) -> None:
    before = {door: team.function(door)["CodeSha256"] for door in DOORS}
    assert len(set(before.values())) == 1, "three doors, one package"
    good = ROOT / team.make("package").partition(":")[0]
    other = tmp_path / "other.zip"
    shutil.copyfile(good, other)
    with ZipFile(other, "a") as archive:
        archive.writestr("other.txt", "another version")
    team.make("rollback", f"STAGE={ENVIRONMENT}", f"PACKAGE={other}")
    assert {team.function(door)["CodeSha256"] for door in DOORS}.isdisjoint(before.values())
    team.make("rollback", f"STAGE={ENVIRONMENT}", f"PACKAGE={good}")
    assert {door: team.function(door)["CodeSha256"] for door in DOORS} == before
    assert api.get("/health").status_code == 200


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
    assert dynamodb.list_tables()["TableNames"] == []
    assert team.cloud.client("s3").list_buckets()["Buckets"] == []
