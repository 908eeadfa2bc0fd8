"""Looks for the tables of an environment that has another name now: under the new name there would be empty ones."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import ConfigurationError
from infra.stages import PROJECT, Stage, read

if TYPE_CHECKING:
    from infra.stack import Stack


def check(stack: "Stack", file: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Raise ConfigurationError if an environment is about to be made while there are tables of one that is gone.

    `file` are the settings, which name the environments that there are. NEW_TABLES=on says that new tables are meant.
    """
    if environ.get("NEW_TABLES") == "on" or stack.find() is not None:
        return
    known = {Stage.of(name).environment for name in read(file)} - {stack.environment}
    own = f"{PROJECT}-{stack.environment}-emails"  # CloudFormation itself says that this one is there
    lost = [
        name
        for page in stack.client("dynamodb").get_paginator("list_tables").paginate()
        for name in page["TableNames"]
        if name.startswith(f"{PROJECT}-") and name.endswith("-emails") and name != own
        if not any(name.startswith(f"{PROJECT}-{other}-") for other in known)
    ]
    if lost:
        raise ConfigurationError(
            f"{stack.environment}: there is no such environment yet, it would begin with empty tables, and of no other"
            f" one in {file.name} is {', '.join(sorted(lost))}. A table cannot be renamed: if these emails are"
            f" {stack.environment}'s, keep the name that the environment had; if not, say NEW_TABLES=on"
        )
