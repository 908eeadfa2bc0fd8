"""Suppressions as files: what was exported is imported again whole, and every bad line is named."""

import csv
import io
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.admin import suppression_file
from app.admin.suppression_file import BadLine, Line
from app.domain.own_entries import TAKEN_FOR_MS
from app.domain.suppression import DAY_MS, Entry, Reason, Suppression
from app.store.suppressions import Suppressions
from tests.admin.conftest import Run
from tests.support.environment import ADDRESS_SECRET

NOW_MS = 1_800_000_000_000


def entry(address: str, project: str = "") -> Entry:
    return Suppressions(ADDRESS_SECRET).get(address, project)


def read(text: str, reason: Reason | None = None, project: str = "") -> list[Line | BadLine]:
    return list(suppression_file.read(io.StringIO(text, newline=""), reason, project, NOW_MS))


@pytest.fixture
def names(tmp_path: Path) -> Path:
    return tmp_path / "suppressions.csv"


def test_what_is_exported_is_imported_again_whole(run: Run, names: Path) -> None:
    run("suppressions", "add", "=cmd@example.com", "--note", '=HYPERLINK("http://x")')
    run(
        "suppressions",
        "add",
        "ann@example.com",
        "--note",
        'said "no", twice',
        "--reason",
        "unsubscribed",
        "--project",
        "a",
    )
    run("suppressions", "add", "ann@example.com", "--note", "-1", "--reason", "hard_bounce")
    before = [entry("=cmd@example.com"), entry("ann@example.com", "a"), entry("ann@example.com")]
    done = run("suppressions", "export", str(names))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "3 lines\n", "")
    shown = run("suppressions", "export", "-")
    assert (shown.exit_code, shown.stdout.count("\n"), shown.stderr) == (0, 4, "")
    with names.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["email"] for row in rows} == {"'=cmd@example.com", "ann@example.com"}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    again = run("suppressions", "import", str(names))
    assert (again.exit_code, again.stderr) == (0, "")
    assert "3 on our list already, for as long or longer" in again.stdout
    for each in before:
        assert entry(each.address, each.project) == each  # to import it again changes nothing
    for each in before:
        Suppressions(ADDRESS_SECRET).lift(each.address, each.strongest_first[0].since_ms - 1, each.project)
    assert run("suppressions", "import", str(names)).exit_code == 0
    for each in before:
        assert entry(each.address, each.project).suppressions == each.suppressions


def test_bad_lines_are_named_and_the_good_ones_are_imported(run: Run, names: Path) -> None:
    now_s = int(time.time())
    names.write_text(
        "\ufeffemail,reason,created\n"
        f"good@example.com,bounce,{now_s - 60}\n"
        "nobody,bounce,\n"
        "\n"
        "late@example.com,bounce,yesterday\n"
        'odd@example.com,"of\nno kind",\n'
        "=2+2,complaint,\n"
        f"Second@Example.com,spam,{now_s - 120}\n"
        "old@example.com,unsubscribe,2015-03-01 10:00:00\n",
        encoding="utf-8",
    )
    done = run("suppressions", "import", str(names))
    assert done.exit_code == 1
    assert done.stdout == "7 lines\n  2 taken\n  1 so old that it would have ended here\n  4 bad, and not taken\n"
    found = [line.partition(":") for line in done.stderr.splitlines()]
    assert [start for start, _, _ in found] == ["line 3", "line 5", "line 7", "line 8"]
    assert "'nobody' is not an email address" in found[0][2]
    assert "created: 'yesterday' is no time" in found[1][2]
    assert "reason: 'of no kind' is none of manual, complained" in found[2][2]
    assert "--reason says what the list is of" in found[2][2]
    assert set(entry("good@example.com").suppressions) == {Reason.HARD_BOUNCE}
    assert set(entry("second@example.com").suppressions) == {Reason.COMPLAINED}
    again = json.loads(run("suppressions", "import", str(names), "--json").stdout)
    assert (again["read"], again["fates"]["known"], again["fates"]["taken"]) == (7, 2, 0)
    assert [one["line"] for one in again["bad"]] == [3, 5, 7, 8]


@pytest.mark.parametrize(
    ("text", "reason", "note", "since_ms"),
    [
        (
            "status,reason,email,created\n5.1.1,550 no such user,ann@example.com,1799999000\n",
            "hard_bounce",
            "5.1.1 550 no such user",
            1_799_999_000_000,
        ),
        (
            'address,code,error,created_at\nann@example.com,550,gone,"Fri, 15 Jan 2027 07:00:00 UTC"\n',
            "hard_bounce",
            "gone",
            1_799_996_400_000,
        ),
        (
            "ip,email,created\n1.2.3.4,ann@example.com,1799999000000\n",
            "complained",
            "imported from a file",
            1_799_999_000_000,
        ),
        (
            "EmailAddress,Reason,LastUpdateTime\nann@example.com,BOUNCE,2027-01-15T07:00:00.000Z\n",
            "hard_bounce",
            "imported from a file",
            1_799_996_400_000,
        ),
        (
            "Recipient,Origin,Created At\nann@example.com,Complaint,2027-01-15 07:00:00\n",
            "complained",
            "imported from a file",
            1_799_996_400_000,
        ),
    ],
)
def test_the_exports_of_others_are_read(text: str, reason: str, note: str, since_ms: int) -> None:
    [line] = read(text, Reason(reason))
    assert isinstance(line, Line)
    one = line.suppression
    assert (one.address, one.reason.value, one.evidence) == ("ann@example.com", reason, note)
    assert (one.since_ms, one.until_ms, line.has_time) == (since_ms, since_ms + TAKEN_FOR_MS[Reason(reason)], True)


@pytest.mark.parametrize("column", ["created", "until"])
def test_a_time_whose_offset_leads_out_of_the_calendar_is_none(column: str) -> None:
    """It could be stored, and then nobody could read what is stored of the address."""
    other = {"created": "until", "until": "created"}[column]
    times = "0001-01-01T00:00:00+14:00,2027-01-15T07:00:00Z"
    (bad,) = read(f"email,reason,{column},{other}\nann@example.com,manual,{times}\n")
    assert isinstance(bad, BadLine)
    assert bad.fault.startswith(f"{column}: ")


def test_a_file_that_says_no_reason_is_of_the_one_that_is_named() -> None:
    text = "email\nann@example.com\n"
    [bad] = read(text)
    assert isinstance(bad, BadLine)
    assert bad.fault == "reason: is missing; --reason says what the list is of"
    [line] = read(text, Reason.UNSUBSCRIBED, "shop")
    assert isinstance(line, Line)
    assert (line.suppression.reason, line.suppression.project) == (Reason.UNSUBSCRIBED, "shop")
    assert not line.has_time


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "names no column `email`"),
        ("name,reason\nann,bounce\n", "names no column `email`"),
        ("email\n" + "x" * 10_001 + "\n", "line 2 has more than 10,000 characters"),
        ('email\n"ann@example.com\n', "line 2 is no CSV"),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_sentence(run: Run, names: Path, text: str, fault: str) -> None:
    names.write_text(text, encoding="utf-8")
    done = run("suppressions", "import", str(names), "--reason", "manual")
    assert (done.exit_code, done.stdout) == (1, "")
    assert fault in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_utf_8_is_told(run: Run, names: Path) -> None:
    names.write_bytes(b"email\n\xff\xfe\n")
    done = run("suppressions", "import", str(names), "--reason", "manual")
    assert done.exit_code == 1
    assert "is not UTF-8" in done.stderr


def test_a_file_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppression_file, "MOST_LINES", 3)
    with pytest.raises(ValueError, match="more than 3 lines; split it"):
        read("email\na@example.com\nb@example.com\nc@example.com\n", Reason.MANUAL)


def test_who_was_lifted_later_stays_free(run: Run, names: Path) -> None:
    address = "free@example.com"
    run("suppressions", "add", address, "--note", "x")
    run("suppressions", "lift", address)
    for line in (f"{address},{int(time.time()) - 3600}", f"{address},"):
        names.write_text(f"email,created\n{line}\n")
        done = run("suppressions", "import", str(names), "--reason", "hard_bounce")
        assert "1 lifted here, or taken back, after the line began" in done.stdout
    assert entry(address).suppressions == {}


@pytest.mark.parametrize("options", [(), ("FILE", "--from", "ses"), ("--from", "ses", "--reason", "manual")])
def test_it_is_a_file_or_an_account(run: Run, names: Path, options: tuple[str, ...]) -> None:
    names.write_text("email\n")
    done = run("suppressions", "import", *(str(names) if one == "FILE" else one for one in options))
    assert done.exit_code == 1
    assert "name either a file, or an account" in done.stderr or "are for files" in done.stderr


@given(
    st.lists(
        st.builds(
            Suppression,
            address=st.sampled_from(["ann@example.com", "=1@example.com", "'q@example.com", "+x@example.net"]),
            reason=st.sampled_from(Reason),
            evidence=st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=30).map(
                lambda text: " ".join(text.split()) or "x"
            ),
            since_ms=st.integers(NOW_MS - DAY_MS, NOW_MS),
            until_ms=st.integers(NOW_MS + 1, NOW_MS + 700 * DAY_MS),
            project=st.sampled_from(["", "shop"]),
        ),
        max_size=5,
    )
)
def test_no_cell_is_a_formula_and_none_is_changed(suppressions: list[Suppression]) -> None:
    file = io.StringIO(newline="")
    entries = [Entry(one.address, {one.reason: one}, project=one.project) for one in suppressions]
    assert suppression_file.write(file, entries, NOW_MS) == len(suppressions)
    cells = [cell for row in csv.reader(io.StringIO(file.getvalue(), newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    lines = read(file.getvalue())
    assert [line.suppression for line in lines if isinstance(line, Line)] == suppressions
