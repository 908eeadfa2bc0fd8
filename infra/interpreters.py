"""Which Python interpreters this machine has. Bytecode is of use only to the version that compiled it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

# The variable with an interpreter for which everything is built, whatever the settings say. The AWS emulator runs every
# function in its own.
OVERRIDE = "PACKAGE_FOR"
_ASK = "import platform as p; print(p.python_implementation(), p.python_version(), p.machine())"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A CPython that was asked what it is."""

    path: Path
    release: str  # such as 3.13.9
    machine: str  # as the kernel calls it: x86_64, aarch64 (Linux), arm64 (macOS)

    @property
    def version(self) -> str:
        """The part of the release on which bytecode depends, such as 3.13."""
        return ".".join(self.release.split(".")[:2])

    @property
    def is_final(self) -> bool:
        """Whether it is no alpha, beta or candidate, whose bytecode is not that of the release."""
        return self.release.replace(".", "").isdigit()


def ask(path: str) -> Interpreter | None:
    """The interpreter at `path`, or None if no CPython starts there: the shims of version managers may lead nowhere."""
    match _run(path, "-I", "-S", "-c", _ASK).split():
        case ["CPython", release, machine]:
            return Interpreter(Path(path), release, machine)
    return None


def find(version: str) -> Interpreter | None:
    """An interpreter that can compile for Python `version`, such as 3.13, or None if this machine has none."""
    for path in _candidates(version):
        found = ask(path)
        if found and found.version == version and found.is_final:
            return found
    return None


def remedy(version: str) -> str:
    """The command that gets an interpreter of `version`."""
    return f"{find_uv_bin()} python install {version}"


def _candidates(version: str) -> Iterator[str]:
    if override := os.environ.get(OVERRIDE):
        yield override
    yield sys.executable
    options = ("--system", "--no-project", "--no-python-downloads")
    yield from _run(find_uv_bin(), "python", "find", *options, f"cpython@{version}").splitlines()


def _run(*command: str) -> str:
    """What a program printed; "" if it cannot be started."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 because the arguments are our own
    except OSError:
        return ""
