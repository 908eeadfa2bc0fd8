"""The files and folders in DATA_DIR."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

PRIVATE = 0o077
"""The umask of every process of local mode: files for their owner only, in folders for their owner only."""


def keep_private() -> None:
    """Let this process, and those that it starts, make files and folders for their owner only."""
    os.umask(PRIVATE)


@dataclass(frozen=True, slots=True)
class Paths:
    """Everything that local mode keeps on disk."""

    data: Path

    @classmethod
    def of(cls, env: Mapping[str, str]) -> "Paths":
        """The paths in the folder that DATA_DIR names. The default is `.data` in the working directory."""
        return cls(Path(env.get("DATA_DIR") or ".data").expanduser().absolute())

    @property
    def lock(self) -> Path:
        """The lock file. The process that owns the children holds it, and each child does until it has ended."""
        return self.data / "lock"

    @property
    def owner(self) -> Path:
        """The file that only the owner holds, so that nobody believes the status of an owner that was killed."""
        return self.data / "owner"

    @property
    def status(self) -> Path:
        """The status file: who owns the children, and whether they answer."""
        return self.data / "status.json"

    @property
    def heartbeat(self) -> Path:
        """The file that the worker touches each second."""
        return self.data / "worker.heartbeat"

    @property
    def emulator(self) -> Path:
        """The folder of the emulator's state, temporary files and log."""
        return self.data / "emulator"

    @property
    def emulator_progress(self) -> Path:
        """The file in which the emulator says how far a slow start is."""
        return self.emulator / "progress"

    @property
    def simulator(self) -> Path:
        """The folder of the simulator's keys."""
        return self.data / "simulator"

    @property
    def inbox(self) -> Path:
        """The folder of what the simulated providers took, for its owner only."""
        return self.data / "inbox"

    @property
    def simulator_ready(self) -> Path:
        """The file that the simulator writes when it listens."""
        return self.data / "simulator.ready"
