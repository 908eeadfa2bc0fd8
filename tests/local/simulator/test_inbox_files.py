"""The inbox outlives its process, is bounded, and is never what keeps the simulator from starting."""

import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.local.simulator.inbox import Entry, Inbox
from app.local.simulator.mail import File, Mail, Mailbox
from tests.local.simulator.rig import Rig


def entry(subject: str) -> Entry:
    mail = Mail(
        Mailbox("app@example.com", "App"),
        (Mailbox("bo@example.com"),),
        subject,
        text="Grüße\nund mehr",
        attachments=(File("a.bin", "application/octet-stream", b"\x00\n\xff"),),
        tags=("receipt",),
        metadata={"em_email_id": f"eml_{subject}", "em_attempt": "2"},
    )
    return Entry("ses", f"id-{subject}", mail, datetime.now(UTC))


def subjects(inbox: Inbox) -> list[str]:
    return [summary.subject for summary in inbox.summaries()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "inbox"


def test_a_restart_keeps_everything(folder: Path) -> None:
    first = Inbox(folder)
    for subject in "abc":
        first.add(entry(subject))

    second = Inbox(folder)

    assert second.summaries() == first.summaries()
    assert second.texts() == first.texts()
    assert second.read(2) == first.read(2)
    second.add(entry("d"))
    assert [(each.number, each.subject, each.email_id) for each in second.summaries()][:2] == [
        (4, "d", "eml_d"),
        (3, "c", "eml_c"),
    ]


def test_only_its_owner_may_read_it(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o755)
    Inbox(folder).add(entry("a"))

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


def test_the_newest_are_kept_and_the_files_of_others_deleted(folder: Path) -> None:
    inbox = Inbox(folder, limit=3)
    for number in range(7):
        inbox.add(entry(str(number)))

    assert subjects(inbox) == ["6", "5", "4"]
    assert inbox.read(4) is None
    assert len(list(folder.iterdir())) == 3
    assert subjects(Inbox(folder, limit=2)) == ["6", "5"]
    assert len(list(folder.iterdir())) == 2


def test_what_was_cleared_does_not_come_back(folder: Path) -> None:
    inbox = Inbox(folder)
    inbox.add(entry("a"))
    inbox.clear()

    assert (inbox.summaries(), inbox.texts(), list(folder.glob("*.message"))) == ((), [], [])
    assert Inbox(folder).summaries() == ()
    inbox.add(entry("b"))
    assert [each.number for each in inbox.summaries()] == [2]


def test_numbers_go_on_after_everything_was_cleared_and_a_restart(folder: Path) -> None:
    inbox = Inbox(folder)
    for subject in "ab":
        inbox.add(entry(subject))
    inbox.clear()
    Inbox(folder)

    again = Inbox(folder)
    again.add(entry("c"))

    assert [each.number for each in again.summaries()] == [3]
    assert len(again.texts(after=2)) == 1
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("text", ["", "x", "9" * 5_000, "²"])
def test_a_damaged_last_number_keeps_nothing_from_starting(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "cleared").write_text(text)
    inbox = Inbox(folder)
    inbox.add(entry("a"))
    assert [each.number for each in inbox.summaries()] == [1]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: whole[:0],
    "cut in the first line": lambda whole: whole[:40],
    "cut in the second line": lambda whole: whole[:-9],
    "no JSON": lambda whole: whole[:12] + whole[20:],
    "other types": lambda whole: whole.replace(b'"sender": "App <app@example.com>"', b'"sender": {}'),
    "a field too many": lambda whole: whole.replace(b'"sender"', b'"from": "", "sender"'),
    "zeros": lambda whole: bytes(len(whole)),
    "not UTF-8": lambda whole: whole.replace(b'"ses"', b'"\xff"'),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_passed_over(folder: Path, damage: str) -> None:
    inbox = Inbox(folder)
    for subject in "abc":
        inbox.add(entry(subject))
    path = sorted(folder.iterdir())[1]
    path.write_bytes(DAMAGE[damage](path.read_bytes()))

    again = Inbox(folder)

    assert subjects(again) == ["c", "a"]
    assert len(again.texts()) == 2
    again.add(entry("d"))
    assert subjects(Inbox(folder, limit=3)) == ["d", "c", "a"]
    Inbox(folder, limit=2)
    assert not path.exists()


def test_damage_in_the_content_is_found_when_it_is_read(folder: Path) -> None:
    Inbox(folder).add(entry("a"))
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes().replace(b'"id-a"', b'"id-b"').replace(b'id": "id-b', b'id": "id-a', 1))

    again = Inbox(folder)

    assert subjects(again) == ["a"]
    assert (again.read(1), again.texts()) == (None, [])


def test_what_does_not_belong_there_changes_nothing(folder: Path) -> None:
    Inbox(folder).add(entry("a"))
    (folder / "notes.message").write_text("mine")
    (folder / "readme").write_text("mine")
    (folder / ".7").write_text("a draft of a process that was killed")
    (folder / "0000000009.message").mkdir()

    again = Inbox(folder)

    assert subjects(again) == ["a"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "0000000001.message",
        "0000000009.message",
        "notes.message",
        "readme",
    ]


def test_without_a_folder_it_is_in_memory(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file in the way")
    inbox = Inbox(tmp_path / "data" / "inbox", limit=2)
    for subject in "abc":
        inbox.add(entry(subject))

    assert subjects(inbox) == ["c", "b"]
    found = inbox.read(3)
    assert found is not None
    assert found["subject"] == "c"
    assert len(inbox.texts()) == 2
    inbox.clear()
    assert inbox.texts() == []


def test_the_simulator_starts_again_with_its_inbox(tmp_path: Path) -> None:
    options = ("--accounts", "sendgrid", "--inbox-limit", "2")
    with Rig(tmp_path, *options) as rig:
        for _ in range(3):
            rig.send("sendgrid", webhooks=["off"])
        before = rig.control.get("/messages").json()
        rig.process.kill()
    assert [message["number"] for message in before] == [2, 3]
    first = min((tmp_path / "inbox").iterdir())
    first.write_bytes(b"")

    with Rig(tmp_path, *options) as rig:
        assert rig.control.get("/messages").json() == before[1:]
        assert rig.control.get("/providers").json()["sendgrid"]["webhooks"] == []  # a start mends every fault
