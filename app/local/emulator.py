"""The AWS emulator: a child process that runs in a virtual environment of its own."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from app.local import exit_with_parent, plain_http, ports, retention
from app.local.aws_emulator import start
from app.local.aws_emulator.server import REFUSED as REFUSED
from app.local.aws_emulator.server import STORAGE_PATH
from app.local.children import Program
from app.local.environment import ACCOUNT, REGION
from app.local.mode import LocalError
from app.local.paths import REPOSITORY, Paths
from app.local.provision import DEAD_LETTERS
from app.store.content import OBJECTS_LIVE_FOR_DAYS, prefix_of
from app.store.head_items import HeadItem

EXPIRY_INTERVAL_S = 600
"""How often the emulator deletes what has expired. AWS takes up to two days."""

STREAM_KEPT = 20_000
"""So many changes of emails are kept for the worker, if it stays behind."""

CHANGES_KEPT = {"waiting#": 2, "log#": 1, "~waiting#+log#+stats#+late#": 5}
"""So many times as many items are kept as emails: notifications that wait, the log of deliveries, the feed."""

SPARE = 2
"""So many times as many keys of clients and tokens of webhooks are kept as emails: an email does not find its own."""


def program(env: Mapping[str, str], on_ready: Callable[[], None], *, expiry_s: float = EXPIRY_INTERVAL_S) -> Program:
    """The emulator for `env`, which `environment.deployed` has made. Its tables and objects are kept in DATA_DIR.

    What it has answered is on disk, so that it may be killed at any moment.
    Raises LocalError if the emulator is not installed, its port is in use or KEEP_EMAILS is no number of emails, and
    OSError if DATA_DIR cannot be written.
    """
    at, paths, kept = ports.read(env), Paths.of(env), retention.limit(env)
    python = _python(env)
    ports.require_free(at.aws, "AWS_PORT")
    temporary = paths.emulator / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    paths.emulator_progress.unlink(missing_ok=True)
    return Program(
        name="AWS emulator",
        # With -I, Python ignores this folder and PYTHONPATH, so that the emulator imports no module of ours.
        command=(
            *(str(python), "-I", exit_with_parent.__file__, start.__file__),
            *("--host", ports.HOST, "--port", str(at.aws)),
            *("--folder", str(paths.emulator)),
            *("--progress", str(paths.emulator_progress)),
            *("--hosts", env.get("LOCAL_HOSTS", "")),
            *("--queues", DEAD_LETTERS),
            *("--stream", f"{env['TABLE_PREFIX']}emails:{STREAM_KEPT}:part:email=INSERT+MODIFY:event#=INSERT"),
            *("--claim", HeadItem.lease_until.attr_name),
            *(f"--lifecycle={prefix_of(days)}:{days}" for days in OBJECTS_LIVE_FOR_DAYS),
            *("--expiry-s", str(expiry_s)),
            *(
                f"--cap={env['TABLE_PREFIX']}{cap}:{SPARE * kept}"
                for cap in ("emails:key#", "emails:collapse#", "nonces:", "changes:late#")
            ),
            *(f"--newest={env['TABLE_PREFIX']}changes:{what}:{times * kept}" for what, times in CHANGES_KEPT.items()),
        ),
        env={
            "PATH": env.get("PATH", os.defpath),
            "HOME": str(temporary),
            "TMPDIR": str(temporary),
            "LOG_LEVEL": "WARNING",
            "MINISTACK_HOST": ports.HOST,
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "SERVICES": "dynamodb,dynamodbstreams,s3,sns,sqs",
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(paths.emulator / "s3"),
            # Without these settings the emulator listens on 8883 and 2222, and removes the containers of other
            # emulators on this machine.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{temporary / 'no-docker'}",
        },
        is_ready=lambda: _is_healthy(at.aws_url),
        on_ready=on_ready,
        progress=lambda: progress(paths),
        log=paths.emulator / "emulator.log",
    )


def progress(paths: Paths) -> str:
    """How far the start of the emulator is, as it last said."""
    try:
        return paths.emulator_progress.read_text()
    except OSError:
        return ""


def storage_trouble(url: str) -> str | None:
    """Why the emulator at `url` cannot keep anything at the moment, or None. Raises OSError if it does not answer."""
    try:
        trouble = plain_http.get(f"{url}{STORAGE_PATH}", timeout_s=1).json()["trouble"]
    except (httpx.HTTPError, ValueError) as error:
        raise ConnectionError("the AWS emulator does not answer") from error
    return None if trouble is None else str(trouble)


def _python(env: Mapping[str, str]) -> Path:
    python = Path(env.get("EMULATOR_PYTHON") or REPOSITORY / ".emulator" / "bin" / "python")
    if not python.is_file():
        raise LocalError(f"The AWS emulator is not installed ({python} is missing): run make emulator")
    return python


def _is_healthy(url: str) -> bool:
    try:
        return plain_http.get(f"{url}/_ministack/health", timeout_s=1).is_success
    except httpx.HTTPError:
        return False
