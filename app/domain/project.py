"""A project owns emails: its API keys see, cancel and list them, and no other's.

What the test keys of a project send is kept as that of a project beside it, `test:shop` beside `shop`. So whatever a
project keeps apart (listings, stories, idempotency keys, collapse keys) is apart for test mail, too.
"""

import re
from typing import Final

DEFAULT: Final = "default"
"""The project of the keys that name none."""

MOST_A_DAY: Final = 1_000_000_000

_CAP: Final = re.compile(r"([^=\s]+)\s*=\s*([1-9][0-9]{0,9})")
_NAME: Final = re.compile(r"[a-z0-9-]{1,40}")
_TEST: Final = "test:"  # no name of a project has a colon


def check_project(name: str) -> str:
    """Return `name`. Raises ValueError, which says what a name is, if it is none."""
    if _NAME.fullmatch(name) is None:
        raise ValueError("is not the name of a project: 1 to 40 of a-z, 0-9 and -")
    return name


def check_kept(project: str) -> str:
    """Return `project`: a name, or what `of_test_keys` makes of one. Raises ValueError if it is neither."""
    check_project(plain(project))
    return project


def of_test_keys(project: str) -> str:
    """The project under which the test mail of `project` is kept."""
    return f"{_TEST}{plain(project)}"


def is_of_test_keys(project: str) -> bool:
    """Whether that is where test mail is kept."""
    return project.startswith(_TEST)


def plain(project: str) -> str:
    """The name by which users know the project, whether its real mail or its test mail is meant."""
    return project.removeprefix(_TEST)


def read_caps(text: str) -> dict[str, int]:
    """The caps in `text`, such as `default=500; team=10000`, by project.

    Raises ValueError, which says what is wrong.
    """
    caps: dict[str, int] = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        found = _CAP.fullmatch(entry)
        if found is None or int(found[2]) > MOST_A_DAY:
            raise ValueError(f"{entry!r} does not look like PROJECT=EMAILS_A_DAY, of 1 to {MOST_A_DAY:,}")
        if check_project(found[1]) in caps:
            raise ValueError(f"{found[1]} is named twice")
        caps[found[1]] = int(found[2])
    return caps
