"""Webhooks that were not posted yet outlive the simulator, as those of a real provider outlive its servers."""

import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.local.simulator import outbox
from app.local.simulator.outbox import Outbox, Report
from tests.local.simulator.case import RECIPIENTS
from tests.local.simulator.rig import CASES, Rig
from tests.support.size import FULL

NOBODY = "http://127.0.0.1:9/"


def report(account: str = "ses", body: bytes = b"{}") -> Report:
    return Report(account, (body, b"\x00\xff\n"), 1.5, forged=True, times=2, in_order=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "webhooks"


@contextmanager
def opened(path: Path | None, limit: int = 100) -> Iterator[Outbox]:
    with closing(Outbox(path, limit)) as made:
        yield made


@pytest.mark.parametrize("provider", CASES if FULL else ["ses"])
def test_webhooks_are_posted_after_a_kill_and_a_start(provider: str, tmp_path: Path) -> None:
    options = ("--outbox", str(tmp_path / "webhooks"))
    with Rig(tmp_path / "keys", *options) as rig:
        rig.control.put("/webhooks", json={"url": NOBODY}).raise_for_status()
        eids = [rig.send(provider) for _ in range(5)]
        late = rig.send(provider, webhooks=["late", "duplicate"])
        rig.process.kill()
        rig.process.wait()
    with Rig(tmp_path / "keys", *options) as rig:
        for eid in eids:
            heard, told = rig.reported(eid, CASES[provider].posts)
            assert all(rig.is_genuine(webhook) for webhook in heard)
            assert sorted(map(CASES[provider].recipient, told)) == list(RECIPIENTS)
        rig.receiver.wait(late, 2 * CASES[provider].posts)
    with Rig(tmp_path / "keys", *options) as rig:
        assert rig.receiver.quiet(eids[0], 0.5)  # they were posted


def test_what_is_not_done_is_there_again(path: Path) -> None:
    with opened(path) as first:
        numbers = [first.add(report(body=f"{number}".encode())) for number in range(3)]
        first.done(numbers[1])
        first.done(numbers[1])
    with opened(path) as second:
        assert second.reports() == {1: report(body=b"0"), 3: report(body=b"2")}
        assert second.add(report()) == 4
        assert 2 not in second
        assert 3 in second


def test_only_its_owner_may_read_it(path: Path) -> None:
    with opened(path) as made:
        made.add(report())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_file_they_are_in_memory() -> None:
    with opened(None) as made:
        made.done(made.add(report()))
        made.add(report())
        assert list(made.reports()) == [2]


def test_the_oldest_is_dropped_when_there_are_too_many(path: Path) -> None:
    with opened(path, limit=2) as made:
        for _ in range(3):
            made.add(report())
        assert list(made.reports()) == [2, 3]
    with opened(path, limit=1) as fewer:
        assert list(fewer.reports()) == [3]


def test_the_file_does_not_grow_with_what_is_done(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "IDLE_LINES", 20)
    with opened(path) as made:
        kept = made.add(report("sendgrid"))
        for _ in range(200):
            made.done(made.add(report()))
        assert len(path.read_bytes().splitlines()) < 25
    with opened(path) as again:
        assert again.reports() == {kept: report("sendgrid")}


def test_a_line_that_a_crash_has_cut_off_costs_that_line_only(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(path) as made:
        made.add(report())
    with path.open("ab") as file:
        file.write(b'{"number": 2, "acc')
    with opened(path) as again:
        assert list(again.reports()) == [1]
        again.add(report())
    with opened(path) as last:
        assert list(last.reports()) == [1, 2]
    assert caplog.text.count("cannot be read") == 1


@pytest.mark.parametrize(
    "line", [b"[]", b"7", b"\xff", b'{"number": "x"}', b'{"number": 1}', b'{"number": 1, "bodies": 1}']
)
def test_lines_of_another_making_are_passed_over(path: Path, line: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(line + b"\n")
    with opened(path) as made:
        assert made.reports() == {}


def test_a_file_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "data").touch()  # where the folder would be
    with opened(tmp_path / "data" / "webhooks") as made:
        made.done(made.add(report()))
        made.add(report())
        assert list(made.reports()) == [2]
    assert "in memory only" in caplog.text
