"""What a package is built for: one of Lambda's runtimes and an architecture, as zappa_settings.json says."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.errors import ConfigurationError
from infra.interpreters import OVERRIDE, ask

# Lambda's Pythons on Amazon Linux 2023 that Zappa 0.63.0 knows and that get fixes until June 2029 ("Lambda runtimes",
# Lambda Developer Guide, read 2026-11-30). Amazon Linux 2, below python3.11, ended in June 2026.
RUNTIMES: Final = ("python3.13", "python3.14")
# Lambda's name of an architecture -> that of its wheels.
MACHINES: Final = {"x86_64": "x86_64", "arm64": "aarch64"}
# The only values of these keys of zappa_settings.json.
CHOICES: Final[dict[str, tuple[str, ...]]] = {"runtime": RUNTIMES, "architecture": tuple(MACHINES)}


@dataclass(frozen=True, slots=True)
class Target:
    """A runtime and an architecture, both by Lambda's names."""

    runtime: str
    architecture: str

    @property
    def version(self) -> str:
        """The version of Python, such as 3.13."""
        return self.runtime.removeprefix("python")

    @property
    def platform(self) -> str:
        """The platform of its wheels. All libraries have wheels for glibc 2.17; Amazon Linux 2023 has 2.34."""
        return f"manylinux2014_{MACHINES[self.architecture]}"


def wanted(settings: Mapping[str, Any]) -> Target:
    """What a function runs, as the `settings` of its Zappa stage say.

    The environment variable PACKAGE_FOR wins over them: it names an interpreter, and everything is built for that.
    Raises ConfigurationError if that is no interpreter, or one of a machine that Lambda does not have.
    """
    if path := os.environ.get(OVERRIDE):
        interpreter = ask(path)
        if interpreter is None:
            raise ConfigurationError(f"{OVERRIDE}: {path} is no Python: name an interpreter, or leave it out")
        return Target(f"python{interpreter.version}", _architecture(interpreter.machine))
    return Target(settings["runtime"], settings.get("architecture", "x86_64"))


def _architecture(machine: str) -> str:
    for architecture, linux in MACHINES.items():
        if machine in (architecture, linux):
            return architecture
    raise ConfigurationError(f"Lambda has no {machine}: only {' and '.join(MACHINES)}")
