"""An installation for an experiment: on free ports, in a folder that goes away, blind to a developer's `.env`."""

import re
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.local.environment import VARIABLES
from tests.support.installation import ROOT, Installation


def shipped() -> dict[str, str]:
    """Every variable that `.env.example` names, empty: the default counts, whatever a developer's `.env` says.

    An own provider key in there would send real mail.
    """
    named = re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    ours = {"PORT", "SIMULATOR_PORT", "AWS_PORT", "DATA_DIR", "EMULATOR_PYTHON"}
    return dict.fromkeys({*named, *(name for names in VARIABLES.values() for name in names)} - ours, "")


def free_ports(count: int) -> tuple[int, ...]:
    """Different ports that nothing listens on right now."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return tuple(int(probe.getsockname()[1]) for probe in probes)


@contextmanager
def installation(settings: Mapping[str, str], folder: Path | None = None) -> Iterator[Installation]:
    """A running installation with the shipped settings but for `settings`; stopped and removed at the end.

    Also at the end that SIGTERM brings: the installation must not outlive the experiment.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="emailsminder-")))
        api, simulator, aws = free_ports(3)
        house = Installation(place, (api, simulator, aws), {**shipped(), **settings})
        stack.callback(house.close)
        house.start()
        yield house
