"""Asks OSV, an open database, whether a locked library has a published vulnerability: `python -m infra.advisories`.

Where OSV does not answer, nothing is asked and nothing fails: whoever works without a network can still run the checks.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from app.domain.outcome import shorten
from infra.stages import ROOT

SERVICE: Final = "https://api.osv.dev/v1/query"
LOCKS: Final = ROOT / "requirements"
ANSWERS_WITHIN_S: Final = 5.0
AUDITED_WITHIN_S: Final = 300.0
# A vulnerability that does not reach us, by its id, and why it does not.
IGNORED: Final[dict[str, str]] = {}

_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;]+)[^\n]*\\\n +(--hash=\S+)", re.MULTILINE)
# A question that costs the service nothing, as pip-audit asks its own.
_QUESTION: Final = {"package": {"name": "pip", "ecosystem": "PyPI"}, "version": "26.0"}


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it: the exit status, and what to print."""

    status: int
    text: str


def answers(service: str, within_s: float = ANSWERS_WITHIN_S) -> bool:
    """Whether the service answers a question, not more slowly than `within_s` for each step."""
    try:
        return httpx.post(service, json=_QUESTION, timeout=within_s).is_success
    except (httpx.HTTPError, OSError):
        return False


def audit(
    install: Sequence[str], tool: Sequence[str], service: str = SERVICE, within_s: float = AUDITED_WITHIN_S
) -> Result:
    """Look at every lock. `install` is the command that makes pip-audit's environment, `tool` the one that runs it."""
    if not answers(service):
        return Result(0, f"The locks are not audited: {service} does not answer")
    if subprocess.run(install, check=False).returncode:  # noqa: S603 because the command is our own
        return Result(0, "The locks are not audited: pip-audit cannot be installed")
    ignored = [part for name in IGNORED for part in ("--ignore-vuln", name)]
    command = [*tool, *("--vulnerability-service", "osv", "--osv-url", service), *("--require-hashes", "--disable-pip")]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "10", *ignored, "--requirement"]
    found: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        for number, text in enumerate(pinned(path.read_text() for path in sorted(LOCKS.glob("*.txt")))):
            file = Path(folder) / f"{number}.txt"
            file.write_text(text)
            try:
                done = subprocess.run([*command, file], capture_output=True, text=True, timeout=within_s, check=False)  # noqa: S603 because the command is our own
                found += json.loads(done.stdout)["dependencies"]
            except subprocess.TimeoutExpired:
                return Result(0, f"The locks are not audited: {service} took more than {within_s:g} s")
            except ValueError:
                if not answers(service):
                    return Result(0, f"The locks are not audited: {service} does not answer any more")
                return Result(1, f"The audit of the locks failed: {shorten(done.stderr)}")
    return _judge(found)


def pinned(locks: Iterable[str]) -> list[str]:
    """Everything that the locks pin, for any Python, as files of requirements that name nothing twice.

    A library that the locks pin in two versions is in two of the files.
    """
    versions: dict[str, dict[str, str]] = {}
    for text in locks:
        for name, version, proof in _PIN.findall(text):
            versions.setdefault(name, {}).setdefault(version, proof)
    most = max(map(len, versions.values()), default=0)
    each = [[(name, *pin) for pin in found.items()] for name, found in sorted(versions.items())]
    return [
        "".join("{}=={} {}\n".format(*pins[number]) for pins in each if number < len(pins)) for number in range(most)
    ]


def _judge(dependencies: list[dict[str, Any]]) -> Result:
    lines = [
        f"{one['name']} {one['version']}: {vulnerability['id']}, mended in"
        f" {', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for one in dependencies
        for vulnerability in one.get("vulns", ())
    ]
    if not lines:
        return Result(0, f"{len(dependencies)} locked libraries, and no vulnerability of them is known")
    remedy = "`make lock` takes newer versions; IGNORED in infra/advisories.py has those that do not reach us"
    return Result(1, "\n".join([*sorted(set(lines)), remedy]))


def main() -> None:
    """Print the result, and end with its status. The first argument is pip-audit's environment."""
    environment = sys.argv[1]
    result = audit(["make", "--silent", f"{environment}/.installed"], [f"{environment}/bin/pip-audit"])
    sys.stdout.write(f"{result.text}\n")
    sys.exit(result.status)


if __name__ == "__main__":
    main()
