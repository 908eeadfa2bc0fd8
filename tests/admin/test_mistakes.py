"""What goes wrong with a command is one sentence with a remedy, and never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, NoRegionError
from pynamodb.exceptions import ScanError

from app.admin.mistakes import sentence
from app.errors import ConfigurationError, Contention, ServiceUnavailable
from tests.admin.conftest import Run
from tests.conftest import ROOT, free_port

DEPLOYED = {"AWS_REGION": "us-east-1", "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:x", "PROVIDERS": "ses"}
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
COMMANDS = [("keys", "list"), ("providers", "list"), ("emails", "list"), ("suppressions", "list")]


def admin(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A command as a program of its own, in an environment of these variables only."""
    command = [sys.executable, "-m", "app.admin", *arguments]
    whole = {"AWS_EC2_METADATA_DISABLED": "true", "ADDRESS_SECRET": "s" * 32, **env}
    return subprocess.run(command, env=whole, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def fault_of(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("command", [COMMANDS[0], *(pytest.param(one, marks=pytest.mark.full) for one in COMMANDS[1:])])
def test_a_wrong_port_is_named(command: tuple[str, ...], tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    said = fault_of(admin(*command, AWS_ENDPOINT_URL=url, HOME=str(tmp_path), **DEPLOYED, **KEYS))
    assert url in said
    assert said.endswith("; start make run, or give the command the AWS_PORT that make run has\n")


@pytest.mark.parametrize("command", [COMMANDS[0], *(pytest.param(one, marks=pytest.mark.full) for one in COMMANDS[1:])])
def test_no_credentials_are_named(command: tuple[str, ...], tmp_path: Path) -> None:
    said = fault_of(admin(*command, HOME=str(tmp_path), **DEPLOYED))
    assert said.startswith("no AWS credentials: ")
    assert said.endswith("; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n")


@pytest.mark.full
def test_no_credentials_are_named_where_the_queue_is_asked(tmp_path: Path) -> None:
    command = ("dead-letters", "list", "--stage", "production")
    assert "no AWS credentials: " in fault_of(admin(*command, AWS_REGION="us-east-1", HOME=str(tmp_path)))


@pytest.mark.full
def test_a_profile_that_there_is_not_is_named(tmp_path: Path) -> None:
    said = fault_of(admin("keys", "list", HOME=str(tmp_path), AWS_PROFILE="nobody", **DEPLOYED))
    assert "The config profile (nobody) could not be found" in said


def test_tables_that_are_not_there_are_named(run: Run) -> None:
    done = run("keys", "list", TABLE_PREFIX="nowhere-")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "ResourceNotFoundException" in done.stderr
    assert (
        "look at tables nowhere-… in us-east-1, or put env $(.deploy/bin/python -m infra.stack outputs" in done.stderr
    )
    assert done.stderr.count("\n") == 1


def test_local_mode_that_does_not_run_says_how_a_deployed_one_is_named(tmp_path: Path) -> None:
    said = fault_of(admin("keys", "list", SIMULATOR_PORT=str(free_port()), DATA_DIR=str(tmp_path)))
    assert "start it with make run; for a deployed installation, put env $(.deploy/bin/python" in said


def answered(code: str, message: str = "why") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Scan")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            answered("UnrecognizedClientException"),
            "AWS answers UnrecognizedClientException to Scan: it does not take these",
        ),
        (answered("ExpiredTokenException"), "renew them (aws sso login, or another AWS_PROFILE)"),
        (answered("AccessDeniedException"), "these credentials may not do that; take those of an operator"),
        (answered("ThrottlingException"), "it has too much to do; run it again"),
        (answered("ValidationException", "bad\nkey"), "AWS answers ValidationException to Scan: bad key"),
        (ScanError("Failed to scan", answered("AccessDenied")), "AWS answers AccessDenied to Scan"),
        (NoRegionError(), "no AWS region: set AWS_REGION"),
        (ConfigurationError("RETRY_FOR_S: must be a whole number"), "RETRY_FOR_S: must be a whole number"),
        (Contention("it kept being written by others"), "it kept being written by others: run it again"),
        (ServiceUnavailable("the topic does not answer"), "the topic does not answer"),
    ],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
def test_each_has_its_remedy(error: Exception, said: str) -> None:
    assert said in sentence(error)
    assert "\n" not in sentence(error)
