"""`python -m app.admin suppressions`."""

import time

import pytest

from app.domain.suppression import LASTS_MS, Reason, Suppression
from app.store.suppressions import Suppressions
from tests.admin.conftest import Run


def known(address: str) -> Suppression | None:
    return Suppressions().get(address, int(time.time() * 1000))


def test_an_address_is_added_listed_and_lifted(run: Run) -> None:
    added = run("suppressions", "add", "Ann@Example.com", "--note", "asked  by\nphone")
    assert added.exit_code == 0, added.output
    found = known("ann@example.com")
    assert found is not None
    assert (found.reason, found.evidence) == (Reason.MANUAL, "asked by phone")
    assert found.until_ms - found.since_ms == LASTS_MS[Reason.MANUAL]
    listed = run("suppressions", "list")
    assert listed.exit_code == 0
    assert listed.stdout == added.stdout
    assert listed.stdout.startswith("ann@example.com  manual  until 20")
    assert listed.stdout.endswith("  asked by phone\n")
    lifted = run("suppressions", "lift", "ANN@example.com")
    assert (lifted.exit_code, lifted.stdout) == (0, "lifted ann@example.com\n")
    assert known("ann@example.com") is None
    assert run("suppressions", "list").stdout == ""


def test_the_reason_decides_how_long_it_lasts(run: Run) -> None:
    run("suppressions", "add", "bob@example.com", "--note", "seen", "--reason", "hard_bounce")
    found = known("bob@example.com")
    assert found is not None
    assert (found.reason, found.until_ms - found.since_ms) == (Reason.HARD_BOUNCE, LASTS_MS[Reason.HARD_BOUNCE])


@pytest.mark.parametrize("command", [("add", "--note", "x"), ("lift",)])
def test_what_is_no_address_is_refused(run: Run, command: tuple[str, ...]) -> None:
    verb, *options = command
    done = run("suppressions", verb, "nobody", *options)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "'nobody' is not an email address" in done.stderr


@pytest.mark.parametrize("note", [(), ("--note", "  ")])
def test_a_suppression_needs_evidence(run: Run, note: tuple[str, ...]) -> None:
    done = run("suppressions", "add", "cat@example.com", *note)
    assert done.exit_code != 0
    assert "--note" in done.stderr
    assert known("cat@example.com") is None


def test_an_unknown_reason_is_refused(run: Run) -> None:
    done = run("suppressions", "add", "cat@example.com", "--note", "x", "--reason", "spite")
    assert done.exit_code == 2
    assert known("cat@example.com") is None


def test_one_that_is_not_suppressed_cannot_be_lifted(run: Run) -> None:
    done = run("suppressions", "lift", "dan@example.com")
    assert (done.exit_code, done.stderr) == (1, "dan@example.com is not suppressed\n")
