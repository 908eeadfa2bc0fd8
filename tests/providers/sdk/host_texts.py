"""What hosts say, from `texts/`: one row a text, in a file by what it proves."""

from pathlib import Path
from typing import Final, NamedTuple

from app.providers.sdk.bounces import Proven

FOLDER: Final = Path(__file__).with_name("texts")
FILES: Final = {
    "dead": Proven.HARD_BOUNCE,
    "blocked": Proven.BLOCKED,
    "mailbox": Proven.MAILBOX_CONDITION,
    "soft": Proven.SOFT_BOUNCE,
}


class HostText(NamedTuple):
    """A text, the enhanced status that came with it ("": none), and where it was seen."""

    host: str
    status: str
    text: str
    source: str
    proves: Proven


def _rows() -> list[HostText]:
    found = []
    for name, proves in FILES.items():
        for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                host, status, text, source = (cell.strip() for cell in line.split("|"))
                found.append(HostText(host, status, text, source, proves))
    return found


HOST_TEXTS: Final = tuple(_rows())


def wordings(name: str) -> list[str]:
    """The lines of a file of `texts/` that has texts only."""
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]
