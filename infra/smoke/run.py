"""Runs the steps in their order, and says after a failure what was left behind and how it goes away."""

import json
import sys
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from app.errors import ConfigurationError
from infra.cloudformation import StackError

Answer = TypeVar("Answer")


class SmokeError(Exception):
    """A step has shown that something does not work. The message says what."""


# What a step may fail with. Anything else is a mistake in a step, whose traceback is shown.
FAILURES = (SmokeError, StackError, ConfigurationError, BotoCoreError, ClientError, httpx.HTTPError)


@dataclass(frozen=True)
class Step:
    """One step. `shows` says what is true if it succeeds; `run` raises one of FAILURES if it is not."""

    name: str
    shows: str
    run: Callable[[Any], None]


def choose(steps: Sequence[Step], only: Collection[str], without: Collection[str]) -> list[Step]:
    """The steps that are named by `only`, or all, but for those named by `without`.

    Raises ConfigurationError for a name that no step has.
    """
    names = [step.name for step in steps]
    if unknown := sorted({*only, *without} - set(names)):
        raise ConfigurationError(f"there is no step {unknown[0]}: say {', '.join(names)}")
    return [step for step in steps if step.name not in without and (not only or step.name in only)]


def run(steps: Iterable[Step], world: Any, left_behind: Callable[[], list[str]], remedy: str) -> bool:
    """Run the steps until one fails. Returns whether all succeeded.

    `left_behind` lists what is in the account now, which is told with `remedy` if a step failed.
    """
    for step in steps:
        sys.stdout.write(f"\n== {step.name}: {step.shows}\n")
        sys.stdout.flush()
        began_s = time.monotonic()
        try:
            step.run(world)
        except FAILURES as error:
            sys.stdout.write(f"\nFAILED: {step.name}: {error}\n")
            report_left_behind(left_behind, remedy)
            return False
        sys.stdout.write(f"   shown, after {time.monotonic() - began_s:.0f} s\n")
    return True


def report_left_behind(left_behind: Callable[[], list[str]], remedy: str) -> None:
    """Print what is in the account, and what takes it away."""
    try:
        found = left_behind()
    except (BotoCoreError, ClientError) as error:
        sys.stdout.write(f"What was left behind could not be listed: {error}\n{remedy}\n")
        return
    lines = "".join(f"  {one}\n" for one in found)
    sys.stdout.write(f"Left behind:\n{lines}{remedy}\n" if found else "Nothing was left behind\n")


def until(what: str, happened: Callable[[], Answer | None], within_s: float, wait: Callable[[float], None]) -> Answer:
    """The first true answer of `happened`. Raises SmokeError, with `what` and the last answer, after `within_s`."""
    every_s, answer = 5.0, happened()
    for _ in range(int(within_s / every_s)):
        if answer:
            return answer
        wait(every_s)
        answer = happened()
    if answer:
        return answer
    raise SmokeError(f"{what}: not within {within_s / 60:.0f} minutes; the last answer was {json.dumps(answer)}")
