"""What `make deploy` deploys, and what it gives to all of its commands."""

import os
import re
import shlex
import subprocess

import pytest

from infra.stages import ENTRY_POINTS, ROOT, Stage
from infra.template import tables

OPTIONS = "$$AWS_RETRY_MODE $$AWS_MAX_ATTEMPTS"
WHOLE = [Stage("production", door) for door in ENTRY_POINTS]


def shown(text: str, env: dict[str, str], *variables: str) -> list[str]:
    """The words that make has for this."""
    command = ["make", "--no-print-directory", "-f", "Makefile", "-f", "-", "shown", *variables]
    rule = f"shown: ; @echo {text}\n"
    done = subprocess.run(command, cwd=ROOT, env=env, input=rule, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("own", "given"), [({}, "standard 10"), ({"AWS_RETRY_MODE": "adaptive", "AWS_MAX_ATTEMPTS": "3"}, "adaptive 3")]
)
def test_commands_try_again_for_longer_than_botocore_does_unless_somebody_says_how(
    own: dict[str, str], given: str
) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS")}
    assert shown(OPTIONS, env | own) == given.split()


def test_every_entry_point_is_deployed_in_its_order() -> None:
    assert shown("$(STAGES)", dict(os.environ), "STAGE=production") == [stage.name for stage in WHOLE]


def test_the_documents_name_every_entry_point_and_every_table_where_they_go_through_all() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    assert re.findall(r"^\.deploy/bin/zappa deploy (\w+)$", page, re.MULTILINE) == [stage.name for stage in WHOLE]
    stopped, deleted = map(shlex.split, re.findall(r"^for name in (.+); do$", page, re.MULTILINE))
    assert {f"emailsminder-production{name}" for name in stopped} == {stage.function for stage in WHOLE}
    assert set(deleted) == set(tables().values())
