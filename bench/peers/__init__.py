"""Runs other libraries in the same outages. Package managers install them below build/, with pinned versions.

Each library sends one email through SendGrid, and through Mailgun if SendGrid fails and the library can do that. Each
runs in a process of its own.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.local.simulator import accounts
from bench.faulty_proxy import API_KEY, SIMULATED_KEY
from tests.support.installation import ROOT

FOLDER: Final = ROOT / "build" / "peers"
# @upyo/pool 0.6.0 asks for @upyo/core 0.6.0, which the registry may not have yet; it runs with 0.5.5.
NPM: Final = ("notifme-sdk@1.16.25", "@upyo/pool@0.6.0", "@upyo/core@0.5.5")
PYPI: Final = ROOT / "requirements" / "peers.txt"
LONGEST_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class Peer:
    """A library. `command` runs it and prints {"ok": …, "answer": …}, the answer being what its caller gets."""

    name: str
    command: Sequence[str]

    def send(self, first_url: str, second_url: str, subject: str, *, keyed: bool) -> str:
        """Send one email. Returns what the library answers, or that it took longer than LONGEST_S.

        With `keyed`, the library gets the proxy's key for the first provider, else the simulator's. Raises RuntimeError
        if the command fails.
        """
        mailgun = accounts.credentials("mailgun")
        task = {
            "sendgrid": {"url": first_url, "key": API_KEY if keyed else SIMULATED_KEY},
            "mailgun": {"url": second_url, "key": mailgun["MAILGUN_API_KEY"], "domain": mailgun["MAILGUN_DOMAIN"]},
            "email": {
                "from": "no-reply@example.com",
                "to": f"{subject[:8]}@example.net",
                "subject": subject,
                "text": "It works.",
            },
        }
        try:
            done = subprocess.run(
                [*self.command, json.dumps(task)], cwd=FOLDER, capture_output=True, text=True, timeout=LONGEST_S
            )
        except subprocess.TimeoutExpired:
            return f"nothing within {LONGEST_S:.0f} s"
        lines = done.stdout.splitlines()
        if done.returncode or not lines:
            raise RuntimeError(f"{self.name}: {done.stderr[-1000:]}")
        return str(json.loads(lines[-1])["answer"])


def install() -> list[Peer]:
    """Install the libraries. Returns how each is run. Raises CalledProcessError if a package manager fails."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    here = Path(__file__).parent
    for name in ("node_peers.mjs", "anymail_alone.py"):
        shutil.copy(here / name, FOLDER / name)  # beside the packages, where node looks for them
    subprocess.run(
        ["npm", "install", "--prefix", ".", "--legacy-peer-deps", "--no-audit", "--no-fund", "--silent", *NPM],
        cwd=FOLDER,
        check=True,
    )
    python = FOLDER / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", FOLDER / "venv"], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    install += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(PYPI)]
    subprocess.run(install, check=True)
    return [
        Peer("notifme-sdk (fallback)", ("node", "node_peers.mjs", "notifme")),
        Peer("@upyo/pool (priority)", ("node", "node_peers.mjs", "upyo")),
        Peer("django-anymail alone", (str(python), "anymail_alone.py")),
    ]
