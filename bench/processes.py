"""What the processes of an installation have cost so far, as Linux counts it."""

import os
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Final

from tests.support.installation import Installation

NAMES: Final = {"app.local.worker": "worker", "app.local.simulator": "simulator", "aws_emulator": "emulator"}


def cpu_s(installed: Installation) -> dict[str, float]:
    """CPU seconds, of user and system, by name of the process. Empty where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        return {}
    spent: dict[str, float] = defaultdict(float)
    for pid, command in _family(installed.pid):
        name = next((name for word, name in NAMES.items() if word in command), "API")
        spent[name] += _cpu_s(pid)
    return dict(spent)


def _family(root: int) -> list[tuple[int, str]]:
    """The process `root` and all that descend from it, with their command lines."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True)
    rows = [line.split(maxsplit=2) for line in listing.stdout.splitlines()]
    known = {root}
    for _ in range(4):
        known |= {int(pid) for pid, parent, _ in rows if int(parent) in known}
    return [(int(pid), command) for pid, _, command in rows if int(pid) in known]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
