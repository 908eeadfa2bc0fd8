"""One deployment, made by `make deploy` once, shared by all tests here. They are in the order of its life."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.local.simulator import accounts
from tests.conftest import EMULATOR_PYTHON, free_port
from tests.deploy.cloud import ENVIRONMENT, ROOT, Cloud, Team, until
from tests.support.aws import REGION, Aws, client
from tests.support.environment import ADDRESS_SECRET, WEBHOOK_SECRET


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An empty AWS account."""
    cloud = Cloud(EMULATOR_PYTHON, tmp_path_factory.mktemp("cloud"), free_port())
    yield cloud
    cloud.stop()


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Path]]:
    """The provider simulator's control, and the folder of its signing keys."""
    folder = tmp_path_factory.mktemp("simulator")
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "app.local.simulator", "--keys", str(folder / "keys"), "--ready-file", str(ready)]
    process = subprocess.Popen(command, cwd=ROOT)
    until("listening", ready.exists, within_s=60)
    with httpx.Client(base_url=json.loads(ready.read_text())["control_url"], timeout=60) as control:
        yield control, folder / "keys"
    process.terminate()
    process.wait(timeout=60)


@pytest.fixture(scope="session")
def _deployed(cloud: Cloud, simulator: tuple[httpx.Client, Path], tmp_path_factory: pytest.TempPathFactory) -> Team:
    """A team that stored its secrets by name, deployed, and told the providers where their webhooks go."""
    control, folder = simulator
    team = Team(cloud, control)
    file = tmp_path_factory.mktemp("secrets") / "secrets.json"
    file.write_text(json.dumps(_secrets(control, folder)))
    team.run(sys.executable, "-m", "app.admin", "secrets", "store", str(file), "--stage", ENVIRONMENT)
    team.make("deploy", f"STAGE={ENVIRONMENT}")
    with team.api() as api:
        control.put("/control/webhooks", json={"url": f"{api.base_url}v1/webhooks"}).raise_for_status()
    return team


@pytest.fixture
def team(_deployed: Team) -> Team:
    """The team, with providers that work."""
    for provider in ("sendgrid", "mailgun"):
        _deployed.fault(provider)
    return _deployed


@pytest.fixture(scope="session")
def api(_deployed: Team) -> Iterator[httpx.Client]:
    """The deployed API, with a key."""
    with _deployed.api() as client:
        client.headers.update(_deployed.new_key())
        yield client


@pytest.fixture
def account(aws: Aws) -> Aws:
    """The emulator with the tables and the secret that the deployed doors expect."""
    sendgrid = accounts.dialect_of("sendgrid")
    secrets = {
        "SENDGRID_API_KEY": "x",
        "SENDGRID_WEBHOOK_PUBLIC_KEY": sendgrid.webhook_variables(sendgrid.new_key())["WEBHOOK_PUBLIC_KEY"],
        "MAILGUN_API_KEY": "x",
        "MAILGUN_DOMAIN": "mg.example.com",
        "ADDRESS_SECRET": ADDRESS_SECRET,
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
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


def _secrets(control: httpx.Client, folder: Path) -> dict[str, str]:
    listeners = control.get("/control/providers").json()
    return {
        **accounts.ready_variables("sendgrid", folder),
        **accounts.ready_variables("mailgun", folder),
        "SENDGRID_BASE_URL": listeners["sendgrid"]["base_url"],
        "MAILGUN_BASE_URL": listeners["mailgun"]["base_url"],
        "ADDRESS_SECRET": ADDRESS_SECRET,
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
