"""The webhooks that are still to be posted, in a file, so that they outlive the process as those of real providers do.

Each line of the file adds one or says that it is done. A crash in the middle of a write costs the last line at most.
"""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BufferedWriter
from pathlib import Path
from typing import Any, Final

LIMIT: Final = 10_000
IDLE_LINES: Final = 2_000  # the file is written anew when this many of its lines are about webhooks that are done

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """The webhooks about the end of one email, to be signed and posted at `at_s` (epoch seconds).

    Each body is posted `times` times, each signed by the account's key, or by a wrong one if `forged`; one after the
    other if `in_order`.
    """

    account: str
    bodies: tuple[bytes, ...]
    at_s: float
    forged: bool = False
    times: int = 1
    in_order: bool = False


class Outbox:
    """The reports, by number. If the file cannot be written, they are in memory only."""

    def __init__(self, path: Path | None = None, limit: int = LIMIT) -> None:
        """Read what an earlier process left in `path`. Keeps the newest `limit` reports. None: there is no file."""
        self._path, self._limit = path, limit
        self._reports: dict[int, Report] = {}
        self._next = 1
        self._idle_lines = 0
        self._file: BufferedWriter | None = None
        if path is not None:
            for line in _lines(path):
                self._read(line)
            self._bound()
            self._write_anew()

    def reports(self) -> Mapping[int, Report]:
        """What is still to be posted, in the order in which it was added."""
        return dict(self._reports)

    def add(self, report: Report) -> int:
        """Keep a report until it is done. Returns its number."""
        number, self._next = self._next, self._next + 1
        self._reports[number] = report
        bodies = [body.decode("latin-1") for body in report.bodies]
        self._append({"number": number, **asdict(report), "bodies": bodies})
        self._bound()
        return number

    def done(self, number: int) -> None:
        """Forget a report: it was posted, or given up."""
        if self._reports.pop(number, None) is not None:
            self._append({"number": number, "done": True})
            self._idle_lines += 2
            if self._idle_lines >= IDLE_LINES:
                self._write_anew()

    def __contains__(self, number: int) -> bool:
        """Whether the report is still to be posted."""
        return number in self._reports

    def close(self) -> None:
        """Close the file, which keeps what is still to be posted."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _bound(self) -> None:
        for number in list(self._reports)[: max(0, len(self._reports) - self._limit)]:
            logger.warning("too many webhooks wait, the oldest is dropped", extra={"limit": self._limit})
            self.done(number)

    def _read(self, line: bytes) -> None:
        try:
            written = json.loads(line)
            number = int(written.pop("number"))
            if written.pop("done", False):
                self._reports.pop(number, None)
            else:
                bodies = tuple(body.encode("latin-1") for body in written.pop("bodies"))
                self._reports[number] = Report(bodies=bodies, **written)
        except (ValueError, TypeError, KeyError, AttributeError):
            logger.warning("a line of the webhooks that wait cannot be read")
        else:
            self._next = max(self._next, number + 1)

    def _write_anew(self) -> None:
        """Replace the file by one that holds what is still to be posted, for its owner only."""
        if self._path is None:
            return
        self.close()
        draft = self._path.with_suffix(".draft")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            self._file = os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
            for number, report in self._reports.items():
                bodies = [body.decode("latin-1") for body in report.bodies]
                self._append({"number": number, **asdict(report), "bodies": bodies})
            draft.replace(self._path)
        except OSError as error:
            self._warn(error)
        self._idle_lines = 0

    def _append(self, line: Mapping[str, Any]) -> None:
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(line).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            self._warn(error)

    def _warn(self, error: OSError) -> None:
        logger.warning("webhooks that wait are in memory only", extra={"error": str(error)})


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        logger.warning("the webhooks that wait cannot be read", extra={"error": str(error)})
        return []
