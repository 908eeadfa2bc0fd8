"""No thread of the emulator deletes items: what has expired is deleted by `expiry`, and in the tests by nothing."""

import subprocess
from pathlib import Path

from app.local.aws_emulator import start, unreaped
from tests.conftest import EMULATOR_PYTHON

# As `start` imports the folder.
PREPARED = f"""
import sys, threading
from importlib import util
spec = util.spec_from_file_location("aws_emulator", {str(Path(start.__file__).parent / "__init__.py")!r},
    submodule_search_locations=[{str(Path(start.__file__).parent)!r}])
sys.modules["aws_emulator"] = package = util.module_from_spec(spec)
spec.loader.exec_module(package)
from aws_emulator import unreaped
"""
SAID = "\nprint([thread.name for thread in threading.enumerate()])"


def ran(program: str) -> subprocess.CompletedProcess[str]:
    """How the program ended in the emulator's environment."""
    command = [str(EMULATOR_PYTHON), "-I", "-c", PREPARED + program]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_thread_is_not_started_and_the_others_are() -> None:
    ended = ran("start = threading.Thread.start\nunreaped.dynamodb()\nassert threading.Thread.start is start" + SAID)
    assert ended.returncode == 0, ended.stderr
    assert unreaped.REAPER not in ended.stdout
    by_itself = ran("import ministack.services.dynamodb" + SAID)
    assert unreaped.REAPER in by_itself.stdout


def test_another_thread_of_that_kind_would_be_noticed() -> None:
    ended = ran("import ministack.services.dynamodb\nunreaped.dynamodb()")
    assert f"NotKept: ministack has no thread {unreaped.REAPER} any more" in ended.stderr
