"""What `make deploy` gives to all of its commands."""

import os
import subprocess

import pytest

from infra.stages import ROOT

SHOW = "shown: ; @echo $$AWS_RETRY_MODE $$AWS_MAX_ATTEMPTS\n"


@pytest.mark.parametrize(
    ("own", "given"), [({}, "standard 10"), ({"AWS_RETRY_MODE": "adaptive", "AWS_MAX_ATTEMPTS": "3"}, "adaptive 3")]
)
def test_commands_try_again_for_longer_than_botocore_does_unless_somebody_says_how(
    own: dict[str, str], given: str
) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS")}
    command = ["make", "--no-print-directory", "-f", "Makefile", "-f", "-", "shown"]
    done = subprocess.run(command, cwd=ROOT, env=env | own, input=SHOW, capture_output=True, text=True, check=True)
    assert done.stdout.split() == given.split()
