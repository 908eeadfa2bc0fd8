"""Clients that are generated from docs/openapi.json: strictly typed, and used against an installation."""

import shutil
from pathlib import Path

import pytest

from tests.clients.conftest import BUILD, DOCUMENT, HERE, check, run, said
from tests.support.installation import Installation

CALLS = {
    "api/emails": {
        *("send_email", "send_batch", "list_emails", "get_email", "cancel_email", "explain_email"),
        *("reschedule_email", "retry_email", "get_content", "get_attachment", "get_raw_email"),
    },
    "api/events": {"list_events"},
    "api/endpoints": {
        *("create_webhook_endpoint", "list_webhook_endpoints", "get_webhook_endpoint", "change_webhook_endpoint"),
        *("delete_webhook_endpoint", "rotate_webhook_secret", "list_webhook_deliveries", "test_webhook_endpoint"),
        "replay_webhooks",
    },
    "api/keys": {"create_key", "list_keys", "get_key", "rotate_key", "revoke_key"},
    "api/providers": {"list_providers", "pause_provider", "resume_provider"},
    "api/stats": {"get_stats"},
    "api/suppressions": {"list_suppressions", "suppress_address", "get_suppression", "lift_suppression"},
    "api/webhooks": {"record_webhook"},
    "api/health": {"check_health"},
}


@pytest.fixture(scope="module")
def package(python: Path) -> Path:
    """The folder that has the client of openapi-python-client, and the program that uses it."""
    folder = BUILD / "python"
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [
        python.parent / "openapi-python-client",
        "generate",
        "--path",
        DOCUMENT,
        "--output-path",
        folder,
    ]
    # It formats what it writes by ruff, which it looks for on PATH.
    run([*command, "--fail-on-warning"], BUILD, {"PATH": f"{python.parent}:/usr/bin:/bin"})
    shutil.copy(HERE / "programs" / "python_client.py", folder)
    return folder


def test_openapi_python_client_has_every_call(package: Path) -> None:
    made = package / "emails_minder_client"
    calls = {folder: {path.stem for path in (made / folder).glob("[a-z]*.py")} for folder in CALLS}
    assert calls == CALLS


def test_openapi_python_client_is_typed_and_works(package: Path, python: Path, installation: Installation) -> None:
    run([python, "-m", "mypy", "--strict", "--cache-dir", BUILD / ".mypy_cache", "."], package)
    check(said([python, "python_client.py"], package, installation), installation)


@pytest.mark.npm
def test_the_clients_of_typescript_are_typed_and_work(node: Path, installation: Installation) -> None:
    generated = node / "programs" / "generated"
    generated.mkdir()
    npx = ["npx", "--no-install"]
    run([*npx, "openapi-typescript", "openapi.json", "--output", generated / "openapi_typescript.ts"], node)
    run([*npx, "openapi-ts", "--input", "openapi.json", "--output", generated / "hey_api"], node)
    run([*npx, "tsc"], node)
    for program in ("openapi_fetch", "hey_api"):
        check(said(["node", f"compiled/{program}.js"], node, installation), installation)
