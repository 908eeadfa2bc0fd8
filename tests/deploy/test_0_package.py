"""The zip that is deployed: what is in it, and that it is enough. It is built for the emulator's interpreter."""

import base64
import json
import subprocess
import time
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra.stages import ROOT
from tests.conftest import EMULATOR_PYTHON
from tests.deploy.alone import call, http, unpack
from tests.deploy.cloud import ENVIRONMENT, FOR_EMULATOR
from tests.support.aws import Aws
from tests.support.collector import collect

PYTHON = ROOT / ".deploy" / "bin" / "python"
BUILD = """
import json, sys
from pathlib import Path
from infra import interpreters, package, target
wanted = target.wanted({})
lock = package.lock_for(json.loads(sys.argv[2]))
print(package.build(Path(sys.argv[1]), wanted, interpreters.find(wanted.version), lock))
"""
FOREIGN = {"zappa", "pip", "pytest", "moto", "ministack", "hypothesis", "uvicorn", "aiohttp", "typer", "boto3", "tests"}


@pytest.fixture(scope="session")
def package() -> Path:
    """The package of this state of the sources."""
    command = [str(PYTHON), "-m", "infra.package", ENVIRONMENT]
    done = subprocess.run(command, cwd=ROOT, env=FOR_EMULATOR, capture_output=True, text=True, check=True)
    assert "bytecode" not in done.stderr, "it is compiled, and so there is no warning"
    return ROOT / done.stdout.partition(":")[0]


@pytest.fixture(scope="session")
def unpacked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package alone, as Lambda lays it out."""
    return unpack(package, tmp_path_factory.mktemp("task"))


def build(folder: Path, variables: dict[str, str]) -> Path:
    """A package built anew in `folder`, for functions with these variables."""
    command = [str(PYTHON), "-c", BUILD, str(folder), json.dumps(variables)]
    done = subprocess.run(command, cwd=ROOT, env=FOR_EMULATOR, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def test_api_answers(unpacked: Path, account: Aws) -> None:
    answer, _ = call(EMULATOR_PYTHON, unpacked, account, "app.main", http("GET", "/health"))
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["status"] == "ok"


def test_webhook_is_verified(unpacked: Path, account: Aws) -> None:
    event = http("POST", "/v1/webhooks/sendgrid", "[]")
    event["multiValueHeaders"] |= {
        "X-Twilio-Email-Event-Webhook-Signature": [base64.b64encode(b"forged").decode()],
        "X-Twilio-Email-Event-Webhook-Timestamp": [str(int(time.time()))],
    }
    answer, loaded = call(EMULATOR_PYTHON, unpacked, account, "app.main", event)
    assert answer["statusCode"] == 401
    assert "cryptography" in loaded


def test_a_package_for_a_collector_sends_traces_and_the_other_has_nothing_of_it(
    unpacked: Path, account: Aws, tmp_path: Path
) -> None:
    with collect() as collector:
        to = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        traced = unpack(build(tmp_path, to), tmp_path / "task")
        answer, loaded = call(EMULATOR_PYTHON, traced, account, "app.main", http("POST", "/v1/emails", "{}"), **to)
        assert (answer["statusCode"], "requests" in loaded) == (401, True)
        assert [span.name for span in collector.spans] == ["POST /v1/emails"]
        assert collector.spans[0].resource["service.name"] == "emailsminder"
        answer, loaded = call(EMULATOR_PYTHON, unpacked, account, "app.main", http("POST", "/v1/emails", "{}"), **to)
        assert (answer["statusCode"], "requests" in loaded) == (401, False)
        assert len(collector.requests) == 1


def test_worker_takes_an_event_of_sns(unpacked: Path, account: Aws) -> None:
    message = json.dumps({"email_id": "eml_unknown", "attempt": 1})
    event = {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message}}]}
    answer, loaded = call(EMULATOR_PYTHON, unpacked, account, "workers.attempts", event)
    assert answer == {"batchItemFailures": []}
    assert loaded.isdisjoint({"fastapi", "pydantic", "starlette", "mangum", "cryptography", "boto3"})


def test_sweep_runs(unpacked: Path, account: Aws) -> None:
    answer, loaded = call(EMULATOR_PYTHON, unpacked, account, "workers.sweep", {"source": "aws.events"})
    assert answer == {"due": 0}
    assert loaded.isdisjoint({"fastapi", "pydantic", "cryptography"})


@pytest.mark.parametrize("door", ["changes", "deliveries"])
def test_what_tells_applications_runs(unpacked: Path, account: Aws, door: str) -> None:
    answer, loaded = call(EMULATOR_PYTHON, unpacked, account, f"workers.{door}", {"Records": []})
    assert answer == {"batchItemFailures": []}
    assert loaded.isdisjoint({"fastapi", "pydantic", "starlette", "mangum", "cryptography", "boto3"})


def test_nothing_foreign_is_in_it(package: Path) -> None:
    names = ZipFile(package).namelist()
    assert {name.partition("/")[0] for name in names}.isdisjoint(FOREIGN)
    assert not [name for name in names if name.startswith(("app/local/", "app/admin/", ".env"))]
    assert not [name for name in names if name.endswith(("zappa_settings.py", "package_info.json"))]


def test_size(package: Path) -> None:
    """cryptography and pydantic's core alone are 7 MB: see docs/decisions/0022-the-package.md."""
    with ZipFile(package) as archive:
        botocore = sum(i.compress_size for i in archive.infolist() if i.filename.startswith("botocore"))
    assert (package.stat().st_size - botocore) / 1e6 < 13.6


def test_same_sources_give_the_same_bytes(package: Path, tmp_path: Path) -> None:
    assert build(tmp_path, {}).read_bytes() == package.read_bytes()
