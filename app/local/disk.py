"""Whether DATA_DIR can be written."""

from collections.abc import Mapping
from pathlib import Path

from app.local import envfile
from app.local.aws_emulator.journal import why_not
from app.local.mode import LocalError
from app.local.paths import Paths


def require_room(env: Mapping[str, str], file: Path = Path(".env")) -> None:
    """Check that something can be written to DATA_DIR, which `env` or else `file` names. Makes the folder.

    Raises LocalError if not, or if the file is malformed.
    """
    folder = Paths.of({**envfile.read(file), **env}).data
    try:
        folder.mkdir(parents=True, exist_ok=True)
        why = why_not(folder)
    except OSError as error:
        why = error.strerror
    if why:
        raise LocalError(f"{folder} cannot be written ({why}): make room, or set DATA_DIR")


def refused(folder: Path) -> str:
    """What to say at the end if the last changes were refused."""
    return (
        f"The last changes could not be kept in {folder} ({why_not(folder) or 'there is room again'}):"
        " each was refused, and nothing that was accepted is lost"
    )
