"""`python -m app.admin suppressions`."""

import json
import re
import time
from typing import Any

import botocore.session
import pytest

from app.domain.suppression import LASTS_MS, Reason, Suppression
from app.store.partitions import Partitions
from app.store.suppression_items import SuppressionItem
from app.store.suppressions import Suppressions
from tests.admin.conftest import REGION, Run
from tests.support.damage import put
from tests.support.environment import ADDRESS_SECRET


def known(address: str) -> Suppression | None:
    return Suppressions(ADDRESS_SECRET).get(address).in_force(int(time.time() * 1000))


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
    heads, line = listed.stdout.splitlines()
    assert heads.split() == ["ADDRESS", "PROJECT", "REASON", "UNTIL", "NOTE"]
    assert re.fullmatch(r"ann@example\.com  all      manual  20\S+Z  asked by phone", line)
    (record,) = json.loads(run("suppressions", "list", "--json").stdout)
    assert (record["address"], record["project"], record["suppressed"]) == ("ann@example.com", None, True)
    assert [(one["reason"], one["note"]) for one in record["reasons"]] == [("manual", "asked by phone")]
    lifted = run("suppressions", "lift", "ANN@example.com")
    assert (lifted.exit_code, lifted.stdout) == (0, "lifted ann@example.com\n")
    assert known("ann@example.com") is None
    assert run("suppressions", "list").stdout == "none\n"
    assert json.loads(run("suppressions", "list", "--json").stdout) == []


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


def test_each_reason_has_a_line_of_its_own_the_strongest_first(run: Run) -> None:
    run("suppressions", "add", "eve@example.com", "--note", "legal hold")
    added = run("suppressions", "add", "eve@example.com", "--note", "seen", "--reason", "hard_bounce")
    _, *each = added.stdout.splitlines()
    assert [line.split()[:3] for line in each] == [
        ["eve@example.com", "all", "manual"],
        ["eve@example.com", "all", "hard_bounce"],
    ]
    assert each[0].endswith("Z  legal hold")
    run("suppressions", "lift", "eve@example.com")


def test_the_secret_of_the_list_is_read_where_the_installation_keeps_it(run: Run) -> None:
    manager: Any = botocore.session.get_session().create_client("secretsmanager", region_name=REGION)
    manager.create_secret(Name="test/kept", SecretString=json.dumps({"ADDRESS_SECRET": ADDRESS_SECRET}))
    kept = {"ADDRESS_SECRET": "", "SECRET_NAME": "test/kept"}
    assert run("suppressions", "add", "fay@example.com", "--note", "x", **kept).exit_code == 0
    assert known("fay@example.com") is not None
    assert run("suppressions", "lift", "fay@example.com", **kept).exit_code == 0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "ADDRESS_SECRET is not set: it must be the one of the installation"),
        ("test/nowhere", "the secret test/nowhere cannot be read: ResourceNotFoundException"),
    ],
)
def test_without_that_secret_nobody_is_looked_for(run: Run, name: str, why: str) -> None:
    done = run("suppressions", "list", ADDRESS_SECRET="", SECRET_NAME=name)
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", f"{why}\n")


def test_a_suppression_of_one_project_shows_and_is_lifted_by_its_name(run: Run) -> None:
    added = run("suppressions", "add", "gus@example.com", "--note", "asked the shop", "--project", "shop")
    assert added.exit_code == 0, added.output
    assert re.match(r"gus@example\.com  shop     manual  20", added.stdout.splitlines()[1])
    (line,) = [one for one in run("suppressions", "list").stdout.splitlines() if one.startswith("gus@")]
    assert line.split() == added.stdout.splitlines()[1].split()
    assert known("gus@example.com") is None
    Partitions(time.time).note("shop")  # as the first email of a project does
    elsewhere = run("suppressions", "lift", "gus@example.com")
    assert (elsewhere.exit_code, elsewhere.stderr) == (1, "gus@example.com is not suppressed there, but for shop\n")
    assert run("suppressions", "lift", "gus@example.com", "--project", "shop").exit_code == 0
    assert "gus@" not in run("suppressions", "list").stdout


@pytest.mark.parametrize("command", [("add", "--note", "x"), ("lift",)])
def test_what_is_no_project_is_refused(run: Run, command: tuple[str, ...]) -> None:
    verb, *options = command
    done = run("suppressions", verb, "gus@example.com", *options, "--project", "Shop")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "--project: 'Shop' is not the name of a project: 1 to 40 of a-z, 0-9 and -\n"


def test_one_that_cannot_be_read_hides_no_other_and_is_lifted(run: Run) -> None:
    for name in ("fay", "gus"):
        assert run("suppressions", "add", f"{name}@example.com", "--note", "seen").exit_code == 0
    stored = Suppressions(ADDRESS_SECRET)
    entry_id = stored.id_of(stored.get("fay@example.com"))
    put(SuppressionItem, {"address_hmac": {"S": entry_id.removeprefix("sup_")}})
    listed = run("suppressions", "list")
    assert listed.exit_code == 0
    assert "gus@example.com" in listed.stdout
    assert "fay@example.com" not in listed.stdout
    lifted = run("suppressions", "lift", "fay@example.com")
    assert (lifted.exit_code, lifted.stdout) == (0, "lifted fay@example.com\n")
    assert known("fay@example.com") is None
