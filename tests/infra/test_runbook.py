"""What the documents tell somebody to look for in the logs is what the code logs."""

import ast
import re

from tests.support.installation import ROOT

PAGES = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}
FILTER = re.compile(r'message (?:= ("[^"]+")|in \[([^]]+)\])')
SOUGHT = sorted(
    {
        (name, line)
        for name, page in PAGES.items()
        for one in FILTER.finditer(page)
        for line in re.findall(r'"([^"]+)"', one[1] or one[2])
    }
)
LOGGING = {"debug", "info", "warning", "error", "exception", "log", "log_fault"}


def logged() -> set[object]:
    """What the code logs."""
    return {
        text.value
        for folder in ("app", "workers")
        for path in (ROOT / folder).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in LOGGING
        for argument in call.args[:2]
        for text in ast.walk(argument)
        if isinstance(text, ast.Constant)
    }


def test_there_are_filters_to_look_at() -> None:
    assert {"deploy.md", "troubleshooting.md"} <= {name for name, _ in SOUGHT}


def test_a_line_that_the_documents_filter_by_is_logged() -> None:
    known = logged()
    assert [one for one in SOUGHT if one[1] not in known] == []
