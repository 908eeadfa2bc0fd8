"""Takes over what an earlier version of local mode saved: the whole state, in JSON, when it was ended in order."""

import logging
from pathlib import Path
from typing import Any, Final

from .journal import NotKept

TAKEN_OVER: Final = "state.taken-over"

_log = logging.getLogger("emulator.earlier")


def take_over(folder: Path, heartbeat: Path, ministack: Any, modules: dict[str, Any]) -> bool:
    """Load into `modules` what is in `folder`, unless there is nothing. Returns whether there was something.

    After a kill, the folder holds what was true at the end of the run before: an email that has been sent since is
    queued there, and would be sent again. The worker's `heartbeat` is younger then. Raises NotKept in that case.
    """
    tables = folder / "dynamodb.json"
    if not tables.is_file():
        return False
    if heartbeat.exists() and heartbeat.stat().st_mtime > tables.stat().st_mtime:
        raise NotKept(
            f"{folder} holds the emails of an earlier version, saved before it was killed: some may have been sent"
            " since, and would be sent again; delete that folder to begin without them"
        )
    persistence = ministack.core.persistence
    persistence.PERSIST_STATE, persistence.STATE_DIR = True, str(folder)
    try:
        for name in ("dynamodb", "sqs"):
            state = persistence.load_state(name)
            if state is None and name == "dynamodb":
                raise NotKept(f"{tables} cannot be read: move it away to begin without the emails in it")
            modules[name].load_persisted_state(state)
    finally:
        persistence.PERSIST_STATE = False
    return True


def put_away(folder: Path) -> None:
    """Rename the folder, now that its content is in the journal."""
    folder.rename(folder.with_name(TAKEN_OVER))
    _log.warning("the state that an earlier version saved is taken over")
