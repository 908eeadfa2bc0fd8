"""The files of the inbox, one for each message: a line that describes it, and a line with all of it.

So a start reads the first lines only, and a crash in the middle of a write spoils nothing else. A file is written
beside its place and then moved there. A checksum of the second line stands before the first, so that what the system
had not put on the disk when the power failed is found out. One more file has the greatest number that was deleted with
the rest, so that none is ever given again.
"""

import os
import zlib
from collections.abc import Iterable
from pathlib import Path

_SUFFIX = ".message"
_WIDTH = 8  # of the checksum
_CLEARED = "cleared"
_DIGITS = 10  # of a number


def prepare(folder: Path) -> None:
    """Make the folder, for its owner only. If that fails, there are no files, and writing raises the reason."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        for draft in folder.glob(".*"):
            draft.unlink()
    except OSError:
        return


def numbers(folder: Path) -> list[int]:
    """The numbers of the messages that have a file, in order."""
    try:
        stems = [path.stem for path in folder.glob(f"*{_SUFFIX}")]
    except OSError:
        return []
    return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdigit())


def write(folder: Path, number: int, head: str, body: str) -> None:
    """Write a message's file, with mode 0600. Neither text has a line break. Raises OSError."""
    draft = folder / f".{number}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(_checksum(body.encode()) + f"{head}\n{body}\n".encode())
    draft.replace(_path(folder, number))


def head(folder: Path, number: int) -> str | None:
    """What describes the message. Returns None if its file cannot be read or was not written to its end."""
    try:
        with _path(folder, number).open("rb") as file:
            first = file.readline()
            file.seek(-2, os.SEEK_END)
            return first[_WIDTH:].decode() if file.read() == b"}\n" else None
    except (OSError, UnicodeDecodeError):
        return None


def body(folder: Path, number: int) -> str | None:
    """All of the message. Returns None if its file cannot be read or is damaged."""
    try:
        first, _, second = _path(folder, number).read_bytes().partition(b"\n")
        whole = second.removesuffix(b"\n")
        return whole.decode() if first[:_WIDTH] == _checksum(whole) else None
    except (OSError, UnicodeDecodeError):
        return None


def clear(folder: Path, last: int) -> None:
    """Delete all files, and remember that `last` was the greatest number. What cannot be done is left undone."""
    draft = folder / f".{_CLEARED}"
    try:
        draft.write_text(f"{last}\n")
        draft.chmod(0o600)
        draft.replace(folder / _CLEARED)
    except OSError:
        pass
    delete(folder, numbers(folder))


def cleared(folder: Path) -> int:
    """The greatest number when the files were last cleared, or 0."""
    try:
        text = (folder / _CLEARED).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return 0
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0


def delete(folder: Path, numbers: Iterable[int]) -> None:
    """Delete the files of these messages. One that cannot be deleted stays."""
    for number in numbers:
        try:
            _path(folder, number).unlink(missing_ok=True)
        except OSError:
            continue


def _checksum(content: bytes) -> bytes:
    return f"{zlib.crc32(content):0{_WIDTH}x}".encode()


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:0{_DIGITS}}{_SUFFIX}"
