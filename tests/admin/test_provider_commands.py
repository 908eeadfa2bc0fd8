"""`python -m app.admin providers`."""

import json
import logging
import re
import time
from dataclasses import replace
from typing import Any

import botocore.session
import pytest

from app.admin.stored_secrets import split
from app.delivery.monitor import Monitor
from app.domain.health import Health, open_breaker, start_cooldown
from app.settings import Process
from app.store.health import Healths
from tests.admin.conftest import REGION, Run
from tests.providers.case import CASES
from tests.support.environment import ADDRESS_SECRET
from tests.support.outcomes import UNAVAILABLE
from tests.support.provider_server import ProviderServer

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
WELL = "weight 100, nothing in its way"
ALL_OK = "PROVIDER  STATE\nsendgrid  ok\nmailgun   ok\nses       ok\n"


def ready(server: ProviderServer) -> dict[str, str]:
    """Everything that the providers need, at that server."""
    return {
        "SENDGRID_API_KEY": "SG.test",
        "SENDGRID_WEBHOOK_PUBLIC_KEY": CASES["sendgrid"].variables["SENDGRID_WEBHOOK_PUBLIC_KEY"],
        "SENDGRID_BASE_URL": server.url,
        "MAILGUN_API_KEY": "test",
        "MAILGUN_DOMAIN": "mg.example.com",
        "MAILGUN_WEBHOOK_SIGNING_KEY": "test",
        "MAILGUN_BASE_URL": server.url,
        "SES_CONFIGURATION_SET": "mx",
        "SES_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:mx",
        "SES_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "SES_SECRET_ACCESS_KEY": "test",
        "SES_BASE_URL": server.url,
    }


# How they are


def test_providers_are_listed_in_their_order(run: Run) -> None:
    done = run("providers", "list", PROVIDERS="ses,sendgrid")
    assert done.exit_code == 0, done.output
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["PROVIDER", "WEIGHT", "STATE", "LAST", "5", "MINUTES", "LAST", "ERROR"],
        ["ses", "100", "nothing", "in", "its", "way", "0", "calls", "–"],
        ["sendgrid", "100", "nothing", "in", "its", "way", "0", "calls", "–"],
    ]


def test_pausing_and_resuming_are_for_all_processes(run: Run) -> None:
    paused = run("providers", "pause", "mailgun")
    assert re.fullmatch(
        rf"mailgun: weight 100, paused, without end: until it is resumed; in force since {TIME}\n", paused.stdout
    )
    assert Healths().get("mailgun").paused
    assert "mailgun   100     paused, without end: until it is resumed  0 calls" in run("providers", "list").stdout
    resumed = run("providers", "resume", "mailgun")
    assert re.fullmatch(rf"mailgun: {WELL}; in force since {TIME}\n", resumed.stdout)
    assert Healths().get("mailgun").epoch == 1


def test_a_command_prints_its_answer_and_no_line_of_the_log(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as in a terminal: without those of the tests
    paused = run("providers", "pause", "mailgun")
    assert (paused.stdout.count("\n"), paused.stderr) == (1, "")
    assert run("providers", "resume", "mailgun").stderr == ""


def test_what_stands_in_its_way_is_told(run: Run) -> None:
    now_ms = int(time.time() * 1000)
    broken = open_breaker(Health("ses", weight=40, silent=True), "account\nsuspended", now_ms)
    assert Healths().update(start_cooldown(broken, 600, now_ms))
    line = run("providers", "list").stdout.splitlines()[-1]
    assert re.match(r"ses +40 +breaker open until 2", line)
    assert "Z: account suspended, cooldown until 2" in line
    assert re.search(r"Z, silent +0 calls", line)
    assert run("providers", "resume", "ses").stdout.startswith(f"ses: {WELL}; in force since ")


def test_a_breaker_without_a_reason_and_a_rest_that_is_over(run: Run) -> None:
    now_ms = int(time.time() * 1000)
    health = replace(Healths().get("sendgrid"), breaker_until_ms=now_ms, cooldown_until_ms=now_ms - 1)
    assert Healths().update(health)
    line = run("providers", "list").stdout.splitlines()[1]
    assert re.search("breaker half-open, the next email probes it: no reason  +0 calls", line)
    run("providers", "resume", "sendgrid")


def test_failures_are_told_from_the_first_on(run: Run) -> None:
    worker = Monitor(Healths(), ["mailgun"], time.time)
    worker.record_call("mailgun", UNAVAILABLE, 1)
    worker.flush()
    line = run("providers", "list").stdout.splitlines()[2]
    assert re.fullmatch(
        rf"mailgun +100 +nothing in its way +1 of 1 calls failed +{TIME} unavailable, outage, 503", line
    )
    (record,) = (one for one in json.loads(run("providers", "list", "--json").stdout) if one["name"] == "mailgun")
    assert (record["weight"], record["recent"]["failures"]) == (100, 1)
    assert (
        record["recent"]["last_error"].items() >= {"kind": "unavailable", "cause": "outage", "status_code": 503}.items()
    )
    resumed = json.loads(run("providers", "resume", "mailgun", "--json").stdout)
    assert (resumed["name"], resumed["recent"]["failures"]) == ("mailgun", 0)
    assert re.fullmatch(TIME, resumed["in_force_since"])


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_one_that_is_not_configured_is_named(run: Run, verb: str) -> None:
    done = run("providers", verb, "ses", PROVIDERS="sendgrid,mailgun")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "'ses' is not a configured provider; these are: sendgrid, mailgun\n"


@pytest.mark.parametrize("command", [("check",), ("list",), ("pause", "ses"), ("resume", "ses")])
def test_without_providers_there_is_nothing_to_do(run: Run, command: tuple[str, ...]) -> None:
    done = run("providers", *command, PROVIDERS="")
    assert done.exit_code == 1
    assert done.stderr.startswith("PROVIDERS is not set")


def test_settings_that_are_wrong_are_told(run: Run) -> None:
    done = run("providers", "list", PROVIDERS="pigeon")
    assert done.exit_code == 1
    assert done.stderr.startswith("PROVIDERS: 'pigeon' is not one of")


# Are they set up?


def test_providers_that_work_are_ok(run: Run, server: ProviderServer) -> None:
    done = run("providers", "check", **ready(server))
    assert (done.exit_code, done.stdout) == (0, ALL_OK)
    assert len(server.calls) == 3
    assert {"name": "ses", "ok": True, "problems": []} in json.loads(
        run("providers", "check", "--json", **ready(server)).stdout
    )


def test_what_is_in_the_secrets_of_both_processes_is_checked(run: Run, server: ProviderServer) -> None:
    whole = ready(server)
    secret = {name: whole.pop(name) for name in list(whole) if name.startswith("SENDGRID_")}
    manager: Any = botocore.session.get_session().create_client("secretsmanager", region_name=REGION)
    for one in Process:
        parts = split({**secret, "ADDRESS_SECRET": ADDRESS_SECRET, "WEBHOOK_SECRET": ADDRESS_SECRET})
        manager.create_secret(Name=f"emailsminder/checked/{one}", SecretString=json.dumps(parts[one]))
    done = run("providers", "check", **whole, SECRET_NAME="emailsminder/checked/worker")
    assert (done.exit_code, done.stdout) == (0, ALL_OK)


def test_a_key_that_can_be_none_is_named_and_not_sent(run: Run, server: ProviderServer) -> None:
    done = run("providers", "check", **ready(server) | {"SENDGRID_API_KEY": "SG.s3cr3t…"})
    assert done.exit_code == 1
    assert done.stdout.splitlines()[1].startswith("sendgrid  SENDGRID_API_KEY: has a control or non-ASCII character")
    assert "s3cr3t" not in done.output
    assert len(server.calls) == 2


def test_what_is_missing_or_refused_is_told(run: Run, server: ProviderServer) -> None:
    server.statuses["/v3"] = 401
    env = ready(server) | {"SES_TOPIC_ARN": ""}
    done = run("providers", "check", **env | {"MAILGUN_API_KEY": "", "MAILGUN_WEBHOOK_SIGNING_KEY": ""})
    assert done.exit_code == 1
    _, refused, *others = done.stdout.splitlines()
    assert refused.startswith("sendgrid  refused: 401")
    assert others[:2] == [
        "mailgun   MAILGUN_API_KEY is not set: it cannot send",
        "mailgun   MAILGUN_WEBHOOK_SIGNING_KEY is not set: its webhooks are refused",
    ]
    assert "ses       SES_TOPIC_ARN is not set: its webhooks are refused" in others
