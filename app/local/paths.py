"""What lies where in DATA_DIR."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Paths:
    """Everything that local mode keeps on disk."""

    data: Path

    @classmethod
    def of(cls, env: Mapping[str, str]) -> "Paths":
        """The folder DATA_DIR names (default `.data` in the working directory), as an absolute path."""
        return cls(Path(env.get("DATA_DIR") or ".data").expanduser().absolute())

    @property
    def lock(self) -> Path:
        """Held by the process that owns the children, and by each child until it has ended."""
        return self.data / "lock"

    @property
    def status(self) -> Path:
        """Who owns the children, and whether they answer."""
        return self.data / "status.json"

    @property
    def heartbeat(self) -> Path:
        """Touched by the worker each second."""
        return self.data / "worker.heartbeat"

    @property
    def emulator(self) -> Path:
        """The emulator's state, temporary files and log."""
        return self.data / "emulator"

    @property
    def simulator(self) -> Path:
        """The simulator's keys."""
        return self.data / "simulator"

    @property
    def simulator_ready(self) -> Path:
        """Written by the simulator when it listens."""
        return self.data / "simulator.ready"
