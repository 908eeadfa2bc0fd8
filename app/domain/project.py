"""A project owns emails: its API keys see, cancel and list them, and no other's."""

import re
from typing import Final

DEFAULT: Final = "default"
"""The project of the keys that name none."""

_NAME: Final = re.compile(r"[a-z0-9-]{1,40}")


def check_project(name: str) -> str:
    """Return `name`. Raises ValueError, which says what a name is, if it is none."""
    if _NAME.fullmatch(name) is None:
        raise ValueError("is not the name of a project: 1 to 40 of a-z, 0-9 and -")
    return name
