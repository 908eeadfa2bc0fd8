"""Whether DATA_DIR can be written."""

from collections.abc import Mapping
from pathlib import Path

from app.local import envfile
from app.local.aws_emulator.journal import why_not
from app.local.mode import LocalError
from app.local.paths import Paths


def require_room(env: Mapping[str, str], file: Path = Path(".env")) -> None:
    """Check that something can be written to DATA_DIR, which `env` or else `file` names. Makes the folder.

    The folders in it are for their owner only, also those that another program has made.

    Raises LocalError if not, or if the file is malformed.
    """
    paths = Paths.of({**envfile.read(file), **env})
    folder = paths.data
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for own in (paths.emulator, paths.simulator, paths.inbox):
            own.mkdir(exist_ok=True, mode=0o700)
            own.chmod(0o700)
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
