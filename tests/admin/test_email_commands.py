"""`python -m app.admin emails`: the same emails as the API's, and in its words."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import botocore.session
import pytest

from app.domain.head import Status
from app.domain.project import of_test_keys
from app.store.heads import Heads
from app.store.partitions import Partitions
from tests.admin.conftest import REGION, Run
from tests.providers.case import CASES
from tests.support.samples import a_head

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture
def sending(env: Mapping[str, str]) -> dict[str, str]:
    """What a process that sends has beside its tables: a topic, a bucket, and what the API knows of one provider."""
    made = {name: botocore.session.get_session().create_client(name, region_name=REGION) for name in ("sns", "s3")}
    clients: dict[str, Any] = dict(made)
    clients["s3"].create_bucket(Bucket="emails-content")
    return {
        "PROVIDERS": "sendgrid",
        "SENDGRID_WEBHOOK_PUBLIC_KEY": CASES["sendgrid"].variables["SENDGRID_WEBHOOK_PUBLIC_KEY"],
        "TOPIC_ARN": clients["sns"].create_topic(Name="attempts")["TopicArn"],
        "CONTENT_BUCKET": "emails-content",
    }


def sent(run: Run, sending: Mapping[str, str], *options: str) -> dict[str, Any]:
    """An email that was sent by the command, as its JSON."""
    basic = ("--from", "App <no-reply@example.com>", "--to", "ann@example.com", "--subject", "Hello", "--text", "Hi")
    done = run("emails", "send", *basic, *options, "--json", **sending)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_an_email_is_sent_shown_and_canceled(run: Run, sending: Mapping[str, str]) -> None:
    done = run(
        "emails",
        "send",
        "--from",
        "a@example.com",
        "--to",
        "bob@example.com",
        "--subject",
        "Hi",
        "--text",
        "x",
        **sending,
    )
    assert done.exit_code == 0, done.output
    found = re.fullmatch(r"(eml_\w+) queued\n", done.stdout)
    assert found
    head = Heads().get(found[1])
    assert head is not None
    assert (list(head.recipients), head.project) == (["bob@example.com"], "default")
    shown = run("emails", "show", found[1])
    assert shown.exit_code == 0, shown.output
    first, *lines = shown.stdout.splitlines()
    assert first == f"{found[1]}  queued"
    assert "from      a@example.com" in lines
    assert re.search(r"Recipients\nADDRESS +ROLE .*\nbob@example\.com +to +queued", shown.stdout)
    assert shown.stdout.endswith("\nAttempts\nnone\n\nEvents\nnone\n")
    canceled = run("emails", "cancel", found[1])
    assert (canceled.exit_code, canceled.stdout) == (0, f"{found[1]} canceled\n")
    assert json.loads(run("emails", "show", found[1], "--json").stdout)["status"] == "canceled"


def test_a_whole_email_comes_from_a_file_and_options_replace_what_it_says(
    run: Run, sending: Mapping[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "email.json"
    file.write_text(json.dumps({"from": "a@example.com", "to": "bob@example.com", "subject": "Draft", "html": "<p>"}))
    done = run("emails", "send", "--file", str(file), "--subject", "Final", "--project", "shop", "--json", **sending)
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert (record["subject"], record["to"], record["project"]) == ("Final", ["bob@example.com"], "shop")


def test_an_idempotency_key_sends_once(run: Run, sending: Mapping[str, str]) -> None:
    key = uuid4().hex
    assert len({sent(run, sending, "--idempotency-key", key)["id"] for _ in range(2)}) == 1


def test_emails_are_listed_newest_first_and_by_what_is_asked(run: Run, sending: Mapping[str, str]) -> None:
    project = f"p{uuid4().hex[:8]}"
    ids = [sent(run, sending, "--project", project, "--cc", f"{project}@example.com")["id"] for _ in range(3)]
    listing = run("emails", "list", "--project", project, "--limit", "2")
    heads, *lines = listing.stdout.splitlines()
    assert heads.split() == ["ID", "ACCEPTED", "STATUS", "PROJECT", "LANE", "TO", "SUBJECT"]
    assert [line.split()[0] for line in lines] == [ids[2], ids[1]]
    assert re.fullmatch(
        rf"{ids[2]}  {TIME}  queued  {project}  normal  ann@example\.com, {project}@example\.com  Hello", lines[0]
    )
    cursor = re.fullmatch(r"there are more: --after (\S+)\n", listing.stderr)
    assert cursor
    page = json.loads(run("emails", "list", "--project", project, "--after", cursor[1], "--json").stdout)
    assert ([one["id"] for one in page["emails"]], page["after"]) == ([ids[0]], None)
    found = json.loads(run("emails", "list", "--recipient", f"{project.upper()}@example.com", "--json").stdout)
    assert {one["id"] for one in found["emails"]} == set(ids)
    assert run("emails", "list", "--project", project, "--status", "sent").stdout == "none\n"
    of = ("emails", "list", "--project", project)
    queued = json.loads(run(*of, "--recipient-status", "queued", "--json").stdout)["emails"]
    assert {one["id"] for one in queued} == set(ids)
    assert run(*of, "--recipient-status", "bounced").stdout == "none\n"
    assert run(*of, "--provider", "sendgrid").stdout == "none\n"  # nothing was tried yet
    assert run("emails", "list", "--project", project, "--to", "2020-01-01T00:00:00Z").stdout == "none\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("show", "eml_nowhere"), "no such email"),
        (("cancel", "eml_nowhere"), "no such email"),
        (("show", "ü"), "no such email"),
        (("list", "--from", "today"), "--from: 'today' must be an RFC 3339 time with an offset"),
        (("list", "--provider", "A b"), "--provider: 'A b' is not the name of an account"),
        (("list", "--recipient", "ann"), "--recipient: 'ann' is not an email address"),
        (("retry", "eml_a", "--recipient", "ann"), "--recipient: 'ann' is not an email address"),
        (("list", "--project", "A b"), "--project: 'A b' is not the name of a project"),
        (("list", "--after", "nonsense"), "after: is not a cursor of this listing"),
        (("send", "--to", "ann@example.com", "--text", "x"), "from: is required"),
        (("send", "--from", "a@example.com", "--to", "ann", "--text", "x"), "to[0]: is not an email address"),
    ],
)
def test_a_mistake_is_one_sentence(run: Run, sending: Mapping[str, str], command: tuple[str, ...], said: str) -> None:
    done = run("emails", *command, **sending)
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("content", "said"), [("{", "--file: is not JSON"), ("[]", "--file: must be a JSON object")])
def test_a_file_that_holds_no_email_is_named(
    run: Run, sending: Mapping[str, str], tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "email.json"
    file.write_text(content)
    done = run("emails", "send", "--file", str(file), **sending)
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr


def test_what_is_not_set_is_named_with_a_remedy(run: Run, sending: Mapping[str, str]) -> None:
    command = ("emails", "send", "--from", "a@example.com", "--to", "ann@example.com", "--subject", "x", "--text", "x")
    done = run(*command, **{**sending, "CONTENT_BUCKET": ""})
    assert done.exit_code == 1
    assert done.stderr == (
        "not set: CONTENT_BUCKET; for a deployed installation, put env $(.deploy/bin/python -m infra.stack outputs"
        " STAGE) before the command\n"
    )


@pytest.mark.usefixtures("sending")
def test_test_mail_says_so_in_the_list_and_in_its_story(run: Run) -> None:
    name = f"p{uuid4().hex[:8]}"
    head = replace(a_head(1_800_000_000_000), project=of_test_keys(name))
    Partitions(time.time).note(head.project)
    assert Heads().create(head, head.created_at_ms) is not None
    (_, line) = run("emails", "list", "--project", name).stdout.splitlines()
    assert f"  {name} (test)  " in line
    assert re.search(rf"project +{name} \(test\)\n", run("emails", "show", head.email_id).stdout)


def ended(email_id: str, status: Status) -> None:
    """Let an email have ended in that status."""
    head = Heads().get(email_id)
    assert head is not None
    recipients = {key: replace(one, status=status) for key, one in head.recipients.items()}
    assert Heads().update(replace(head, recipients=recipients), head.created_at_ms) is not None


def test_a_failed_email_is_retried(run: Run, sending: Mapping[str, str]) -> None:
    email_id = sent(run, sending)["id"]
    ended(email_id, Status.FAILED)
    done = run("emails", "retry", email_id, "--recipient", "Ann@example.com", "--provider", "sendgrid", **sending)
    assert (done.exit_code, done.stdout) == (0, f"{email_id} queued\n")
    head = Heads().get(email_id)
    assert head is not None
    assert head.through == "sendgrid"
    refused = run("emails", "retry", email_id, **sending)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "ann@example.com is being tried already" in refused.stderr


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("--recipient", "bob@example.com"), "is no recipient of this email"),
        (("--provider", "pigeon"), "is not a configured provider; these are: sendgrid"),
    ],
)
def test_a_retry_that_names_what_is_not_there_is_one_sentence(
    run: Run, sending: Mapping[str, str], options: tuple[str, str], fault: str
) -> None:
    email_id = sent(run, sending)["id"]
    ended(email_id, Status.EXPIRED)
    done = run("emails", "retry", email_id, *options, **sending)
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert fault in done.stderr
    again = run("emails", "retry", email_id, "--json", **sending)
    assert json.loads(again.stdout)["status"] == "queued"
