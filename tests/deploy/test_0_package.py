"""The zip that is deployed: what is in it, and that it is enough."""

import base64
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from app.local.simulator.accounts import dialect_of
from infra.stages import ROOT
from tests.support.aws import REGION, Aws, client
from tests.support.collector import collect
from tests.support.environment import ADDRESS_SECRET

PYTHON = ROOT / ".deploy" / "bin" / "python"
# Amazon Linux 2, which python3.11 runs on, has 2.26.
GLIBC = (2, 26)
FOREIGN = {"zappa", "pip", "pytest", "moto", "ministack", "hypothesis", "uvicorn", "aiohttp", "typer", "boto3", "tests"}

# Runs without site-packages: beside the zip there is only the standard library.
RUN = """
import json, os, sys
sys.path[:] = [path for path in sys.path if "site-packages" not in path]
sys.path.insert(0, sys.argv[1])
from importlib import import_module
module, event = import_module(sys.argv[2]), json.loads(sys.argv[3])
class Context:
    aws_request_id = "request-1"
    def get_remaining_time_in_millis(self):
        return 30_000
answer = module.handler(event, Context())
modules = {name.partition(".")[0] for name in sys.modules}
files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
print("ANSWER " + json.dumps([answer, sorted(modules), [file for file in files if "site-packages" in file]]))
"""


@pytest.fixture(scope="session")
def package() -> Path:
    """The package of this state of the sources."""
    command = [str(PYTHON), "-m", "infra.package"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return ROOT / printed.partition(":")[0]


@pytest.fixture(scope="session")
def unpacked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package alone, as Lambda lays it out."""
    folder = tmp_path_factory.mktemp("task")
    with ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


def call(folder: Path, aws: Aws, module: str, event: dict[str, Any], **variables: str) -> tuple[Any, set[str]]:
    """What a door answers in an otherwise empty Python with these variables, and the packages that it loaded."""
    env = {
        "AWS_LAMBDA_FUNCTION_NAME": "test",
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "TABLE_PREFIX": "package-",
        "TOPIC_ARN": aws.sns.create_topic(Name="package")["TopicArn"],
        "CONTENT_BUCKET": "test-content",
        "PROVIDERS": "sendgrid,mailgun",
        "SECRET_NAME": "package",
        **variables,
    }
    command = [str(PYTHON), "-I", "-S", "-c", RUN, str(folder), module, json.dumps(event)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("ANSWER "))
    answer, modules, strangers = json.loads(line.removeprefix("ANSWER "))
    assert strangers == []
    return answer, set(modules)


@pytest.fixture
def account(aws: Aws) -> Aws:
    """The emulator with the tables and the secret that the deployed doors expect."""
    sendgrid = dialect_of("sendgrid")
    secrets = {
        "SENDGRID_API_KEY": "x",
        "SENDGRID_WEBHOOK_PUBLIC_KEY": sendgrid.webhook_variables(sendgrid.new_key())["WEBHOOK_PUBLIC_KEY"],
        "MAILGUN_API_KEY": "x",
        "MAILGUN_DOMAIN": "mg.example.com",
        "ADDRESS_SECRET": ADDRESS_SECRET,
    }
    manager = client(aws.endpoint_url, "secretsmanager")
    try:
        manager.create_secret(Name="package", SecretString=json.dumps(secrets))
    except manager.exceptions.ResourceExistsException:
        return aws
    script = "from app.store import tables; tables.connect('package-', 'us-east-1', None); tables.create_all()"
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={
            "AWS_ENDPOINT_URL": aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        },
        check=True,
    )
    return aws


def http(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    """An event of API Gateway's."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "api.example.com", "Content-Type": "application/json"},
        "multiValueHeaders": {"Host": ["api.example.com"], "Content-Type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"path": f"/production{path}", "stage": "production", "httpMethod": method},
        "body": body,
        "isBase64Encoded": False,
    }


def test_api_answers(unpacked: Path, account: Aws) -> None:
    answer, _ = call(unpacked, account, "app.main", http("GET", "/health"))
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["status"] == "ok"


def test_webhook_is_verified(unpacked: Path, account: Aws) -> None:
    event = http("POST", "/v1/webhooks/sendgrid", "[]")
    event["multiValueHeaders"] |= {
        "X-Twilio-Email-Event-Webhook-Signature": [base64.b64encode(b"forged").decode()],
        "X-Twilio-Email-Event-Webhook-Timestamp": [str(int(time.time()))],
    }
    answer, loaded = call(unpacked, account, "app.main", event)
    assert answer["statusCode"] == 401
    assert "cryptography" in loaded


def test_a_package_for_a_collector_sends_traces_and_the_other_has_nothing_of_it(
    unpacked: Path, account: Aws, tmp_path: Path
) -> None:
    with collect() as collector:
        env = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        command = [str(PYTHON), "-m", "infra.package"]
        printed = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
        with ZipFile(ROOT / printed.partition(":")[0]) as archive:
            archive.extractall(tmp_path)
        to = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        answer, loaded = call(tmp_path, account, "app.main", http("POST", "/v1/emails", "{}"), **to)
        assert (answer["statusCode"], "requests" in loaded) == (401, True)
        assert [span.name for span in collector.spans] == ["POST /v1/emails"]
        assert collector.spans[0].resource["service.name"] == "emailsminder"
        answer, loaded = call(unpacked, account, "app.main", http("POST", "/v1/emails", "{}"), **to)
        assert (answer["statusCode"], "requests" in loaded) == (401, False)
        assert len(collector.requests) == 1


def test_worker_takes_an_event_of_sns(unpacked: Path, account: Aws) -> None:
    message = json.dumps({"email_id": "eml_unknown", "attempt": 1})
    event = {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message}}]}
    answer, loaded = call(unpacked, account, "workers.attempts", event)
    assert answer == {"batchItemFailures": []}
    assert loaded.isdisjoint({"fastapi", "pydantic", "starlette", "mangum", "cryptography", "boto3"})


def test_sweep_runs(unpacked: Path, account: Aws) -> None:
    answer, loaded = call(unpacked, account, "workers.sweep", {"source": "aws.events"})
    assert answer == {"due": 0}
    assert loaded.isdisjoint({"fastapi", "pydantic", "cryptography"})


def test_nothing_foreign_is_in_it(package: Path) -> None:
    names = ZipFile(package).namelist()
    assert {name.partition("/")[0] for name in names}.isdisjoint(FOREIGN)
    assert not [name for name in names if name.startswith(("app/local/", "app/admin/", ".env"))]
    assert not [name for name in names if name.endswith(("zappa_settings.py", "package_info.json"))]


def test_size(package: Path) -> None:
    """cryptography and pydantic's core alone are 7 MB: see docs/decisions/0022-the-package.md."""
    with ZipFile(package) as archive:
        botocore = sum(i.compress_size for i in archive.infolist() if i.filename.startswith("botocore"))
    assert (package.stat().st_size - botocore) / 1e6 < 13


def test_libraries_load_on_the_runtime(unpacked: Path) -> None:
    """The machine that builds has a newer C library, and the emulator runs on it: neither would notice."""
    libraries = list(unpacked.rglob("*.so"))
    assert libraries
    for library in libraries:
        needed = {(int(a), int(b)) for a, b in re.findall(rb"GLIBC_(\d+)\.(\d+)", library.read_bytes())}
        assert max(needed, default=GLIBC) <= GLIBC, library.name


def test_same_sources_give_the_same_bytes(package: Path, tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from infra import package; package._write(*map(Path, sys.argv[1:]))"
    again = tmp_path / "again.zip"
    subprocess.run([str(PYTHON), "-c", script, str(again), str(tmp_path / "tree")], cwd=ROOT, check=True)
    assert again.read_bytes() == package.read_bytes()
