"""The key of each account that signs its webhooks. It is made once, and kept in a folder that the app reads, too."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def load_or_create(folder: Path, account: str, make: Callable[[], bytes]) -> bytes:
    """The account's key in `folder`. A missing one is made, with mode 0600. Several processes may call this at once."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.mkdir(exist_ok=True, mode=0o700)
    path = folder / f"{account}.key"
    # The key is written to a draft, which is then linked to its name. So a file appears whole or not at all, and if
    # another process was first, its file stays, because linking fails if the name exists.
    if not path.exists():
        handle, draft = tempfile.mkstemp(dir=folder, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(make())
                file.flush()
                os.fsync(file.fileno())  # a power failure must not leave a file without a key
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            Path(draft).unlink()
    return path.read_bytes()


def kept(folder: Path) -> tuple[str, ...]:
    """The names of the accounts whose keys are in `folder`, sorted."""
    return tuple(sorted(path.stem for path in folder.glob("*.key")))
