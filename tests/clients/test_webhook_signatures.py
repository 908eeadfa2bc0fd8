"""A webhook that a receiver got over its socket is verified by npm's svix, which knows nothing of our code."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.domain.endpoint import rotated
from tests.clients.conftest import run
from tests.support.aws import Aws
from tests.support.deliveries import Deliveries
from tests.support.webhook_receivers import Received, receiver


@pytest.fixture(scope="module")
def verify(node: Path) -> Path:
    """The program, compiled."""
    typed = ["--strict", "--module", "nodenext", "--target", "es2022", "--types", "node"]
    run(["npx", "--no-install", "tsc", *typed, "--outDir", "verifying", "programs/verify_webhook.ts"], node)
    return node / "verifying" / "verify_webhook.js"


def verdicts(program: Path, got: Received, *secrets: str, body: bytes | None = None) -> list[Any]:
    captured = {"body": (body or got.body).decode(), "headers": got.headers, "secrets": secrets}
    done = subprocess.run(
        ["node", program], input=json.dumps(captured), capture_output=True, text=True, timeout=60, check=True
    )
    found: list[Any] = json.loads(done.stdout)
    return found


@pytest.mark.npm
def test_svix_verifies_each_secret_of_a_rotation_and_nothing_else(verify: Path, store: Aws) -> None:
    assert store.endpoint_url
    deliveries = Deliveries()
    with receiver() as hook:
        endpoint = deliveries.endpoint(hook.url, began_ms=(0,))
        stored = deliveries.endpoints.put(rotated(endpoint, deliveries.clock.now_ms))
        assert stored is not None
        assert deliveries.post(endpoint)
        assert deliveries.post(None, url=hook.url)
    deliveries.deliver.close()
    of_endpoint, of_email = hook.received
    old, new, default = deliveries.secret(endpoint), deliveries.secret(endpoint, 2), deliveries.secret(None)
    said, no = json.loads(of_endpoint.body), "No matching signature found"
    assert said["data"] == {"subject": "Grüße"}
    assert verdicts(verify, of_endpoint, old, new, deliveries.secret(endpoint, 3), default) == [said, said, no, no]
    assert verdicts(verify, of_email, old, new, default) == [no, no, said]
    assert verdicts(verify, of_endpoint, old, new, body=of_endpoint.body.replace(b"sent", b"lost")) == [no, no]
