"""Known vulnerabilities of what is locked: found where the service answers, and no trouble where it does not."""

import json
import socket
import sys
import tomllib
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from infra import advisories
from infra.advisories import audit, pinned
from infra.stages import ROOT
from tests.infra.test_locks import PINS, REQUIREMENTS
from tests.support.provider_server import ProviderServer

INSTALLED = [sys.executable, "-c", ""]
SAFE = {"name": "idna", "version": "3.20", "vulns": []}
BAD = {"name": "h2", "version": "1.0", "vulns": [{"id": "GHSA-1", "fix_versions": ["1.1"]}]}
WORSE = {"name": "pip", "version": "2.0", "vulns": [{"id": "GHSA-2", "fix_versions": []}]}


@pytest.fixture
def service(server: ProviderServer) -> str:
    """The address of a service that answers."""
    return f"{server.url}/v3/mail/send"


def tool(code: str) -> list[str]:
    """A program in the place of pip-audit."""
    return [sys.executable, "-c", code]


def finding(*found: dict[str, Any]) -> list[str]:
    return tool(f"print({json.dumps(json.dumps({'dependencies': found}))})")


def test_where_nobody_answers_it_is_one_line_and_no_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (9, silent.getsockname()[1]):
            began_s, url = monotonic(), f"http://127.0.0.1:{port}/v1/query"
            result = audit(tool("raise SystemExit(1)"), tool("raise SystemExit(1)"), url)
            assert (result.status, result.text) == (0, f"The locks are not audited: {url} does not answer")
            assert monotonic() - began_s < 2 * advisories.ANSWERS_WITHIN_S


def test_a_service_that_refuses_is_as_good_as_none(service: str, server: ProviderServer) -> None:
    server.statuses = {"/": 503}
    assert audit(INSTALLED, finding(BAD), service).status == 0


def test_what_cannot_be_installed_is_told(service: str) -> None:
    result = audit(tool("raise SystemExit(2)"), finding(BAD), service)
    assert (result.status, result.text) == (0, "The locks are not audited: pip-audit cannot be installed")


def test_a_known_vulnerability_fails_the_check_and_is_named(service: str) -> None:
    result = audit(INSTALLED, finding(SAFE, BAD, WORSE), service)
    assert result.status == 1
    assert result.text.splitlines()[:2] == [
        "h2 1.0: GHSA-1, mended in 1.1",
        "pip 2.0: GHSA-2, mended in no version yet",
    ]
    assert audit(INSTALLED, finding(SAFE), service).status == 0


def test_an_audit_that_fails_is_not_taken_for_a_good_one(service: str, server: ProviderServer) -> None:
    broken = tool("import sys; sys.exit('a lock cannot be read')")
    result = audit(INSTALLED, broken, service)
    assert (result.status, result.text) == (1, "The audit of the locks failed: a lock cannot be read")


def test_a_service_that_goes_away_meanwhile_fails_nothing(service: str, server: ProviderServer) -> None:
    leaves = f"import httpx; httpx.get({server.url + '/leave'!r}); raise SystemExit(1)"

    class Leaving(dict[str, int]):
        """Answers 503 to everything once /leave was asked for."""

        def items(self) -> Any:
            return {"/": 503 if any(path == "/leave" for path, _ in server.calls) else 0}.items()

    server.statuses = Leaving()
    result = audit(INSTALLED, tool(leaves), service)
    assert (result.status, result.text) == (0, f"The locks are not audited: {service} does not answer any more")


def test_an_audit_ends(service: str) -> None:
    result = audit(INSTALLED, tool("import threading; threading.Event().wait(60)"), service, within_s=0.5)
    assert (result.status, result.text) == (0, f"The locks are not audited: {service} took more than 0.5 s")


def test_every_pin_of_every_lock_is_looked_at_once_and_with_a_hash(tmp_path: Path) -> None:
    locks = {path.name: path.read_text() for path in REQUIREMENTS.glob("*.txt")}
    assert {"runtime.txt", "emulator.txt", "deploy.txt", "audit.txt"} <= set(locks)
    wanted = {bare(match["pin"]) for text in locks.values() for match in PINS.finditer(text)}
    files = [text.splitlines() for text in pinned(locks.values())]
    found = [line.split(" ")[0] for lines in files for line in lines]
    assert sorted(found) == sorted(wanted)
    assert all(" --hash=sha256:" in line for lines in files for line in lines)
    for lines in files:
        names = [line.partition("==")[0] for line in lines]
        assert len(set(names)) == len(names)


def test_a_library_in_two_versions_is_in_two_files() -> None:
    lock = "one==1.0 ; sys_platform == 'x' \\\n    --hash=sha256:a \\\n    --hash=sha256:b\n"
    again = "one==2.0 \\\n    --hash=sha256:c\ntwo[extra]==3.0 \\\n    --hash=sha256:d\n"
    assert pinned([lock, again, again]) == [
        "one==1.0 --hash=sha256:a\ntwo==3.0 --hash=sha256:d\n",
        "one==2.0 --hash=sha256:c\n",
    ]


def bare(pin: str) -> str:
    name, version = pin.split("==")
    return f"{name.partition('[')[0]}=={version}"


def test_bandit_s_rules_hold_for_everything_that_runs() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    assert not [rule for rule in lint["ignore"] if rule.startswith("S")]
    excepted = {where for where, rules in lint["per-file-ignores"].items() if any(r.startswith("S") for r in rules)}
    assert excepted == {"tests/**", "bench/**"}
