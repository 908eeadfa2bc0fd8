"""Reads the `.env` file of NAME=value lines. Only local mode uses it."""

import re
from pathlib import Path

from app.local.mode import LocalError

_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
_QUOTED = re.compile(r"""(?P<quote>['"])(?P<text>.*)(?P=quote)\s*(?:#.*)?""")


def read(path: Path) -> dict[str, str]:
    """The variables in the file `path`. Returns none if there is no such file. Nothing is executed or expanded.

    Blank lines and lines starting with # are skipped. A value may be in quotes, and ` #` after it starts a comment.
    Raises LocalError naming a line that has another form.
    """
    if not path.is_file():
        return {}
    variables = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            raise LocalError(f"{path.name}, line {number}: must be NAME=value")
        variables[match["name"]] = _unquoted(match["value"])
    return variables


def _unquoted(value: str) -> str:
    quoted = _QUOTED.fullmatch(value)
    return quoted["text"] if quoted else re.sub(r"(^|\s+)#.*$", "", value)
