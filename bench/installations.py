"""Starts an installation for an experiment: on free ports, in a temporary folder, without a developer's `.env`."""

import re
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.providers import registry
from tests.support.installation import ROOT, Installation


def shipped() -> dict[str, str]:
    """Every variable that `.env.example` names, as an empty string, so that its default counts.

    A developer's `.env` might hold a real provider's key, with which the experiment would send real emails.
    """
    named = re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    ours = {"PORT", "SIMULATOR_PORT", "AWS_PORT", "DATA_DIR", "EMULATOR_PYTHON"}
    accounts = [registry.values(name, {}) for name in registry.PROVIDERS]
    theirs = [values.variable(one.name) for values in accounts for one in values.declaration.variables]
    return dict.fromkeys({*named, *theirs} - ours, "")


def free_ports(count: int) -> tuple[int, ...]:
    """Several different ports on which nothing listens right now."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return tuple(int(probe.getsockname()[1]) for probe in probes)


@contextmanager
def installation(settings: Mapping[str, str], folder: Path | None = None) -> Iterator[Installation]:
    """A running installation with the shipped settings, except for those in `settings`. It is removed at the end.

    SIGTERM ends the experiment in order, so that the installation does not outlive it.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with ExitStack() as stack:
        parent = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="emailsminder-")))
        api, simulator, aws = free_ports(3)
        running = Installation(parent, (api, simulator, aws), {**shipped(), **settings})
        stack.callback(running.close)
        running.start()
        yield running
