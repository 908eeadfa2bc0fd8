import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic

import pytest

from app.local import hand_over
from app.local.hand_over import Line, Listener, Sender

Eventually = Callable[..., None]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What must happen may take long on a busy machine."""
    monkeypatch.setattr(hand_over, "SEND_WITHIN_S", 60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "worker.socket"


@pytest.fixture
def sender(path: Path) -> Iterator[Sender]:
    with closing(Sender(path)) as made:
        yield made


@contextmanager
def listening(path: Path) -> Iterator[list[Line]]:
    lines: list[Line] = []
    with closing(Listener(path, lines.append)):
        yield lines


def test_what_many_threads_send_arrives_whole(path: Path, sender: Sender) -> None:
    with listening(path) as lines:
        threads = [
            threading.Thread(target=lambda n=n: [sender.send(["attempt", f"{n}-{m}", 1]) for m in range(50)])
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(lines) == 400  # `close` waits for what was sent before
    assert len({line[1] for line in lines}) == 400


def test_nobody_but_its_owner_may_connect(path: Path) -> None:
    with listening(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_ISSOCK(path.stat().st_mode)


def test_a_folder_with_a_long_name_will_do(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 120)
    folder.mkdir()
    with listening(folder / "worker.socket") as lines, closing(Sender(folder / "worker.socket")) as sender:
        assert sender.send(["due", "a", 1, None])
    assert lines == [["due", "a", 1, None]]


def test_without_a_worker_the_sender_hears_so(path: Path, sender: Sender) -> None:
    assert not sender.send(["attempt", "a", 1])
    with listening(path):
        pass
    assert path.exists()  # it was killed, or has ended
    assert not Sender(path).send(["attempt", "a", 1])


def test_a_worker_that_was_started_again_is_found_with_the_first_line(path: Path, sender: Sender) -> None:
    with listening(path) as lines:
        assert sender.send(["attempt", "a", 1])
    with listening(path) as again:
        assert sender.send(["attempt", "b", 1])
    assert (lines, again) == ([["attempt", "a", 1]], [["attempt", "b", 1]])


def test_the_worker_that_was_started_last_gets_what_is_sent(path: Path, sender: Sender) -> None:
    with listening(path) as lines, listening(path) as later:
        assert sender.send(["attempt", "a", 1])
    assert (lines, later) == ([], [["attempt", "a", 1]])


def test_a_worker_that_stands_still_makes_one_request_wait_and_not_each(
    path: Path, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hand_over, "AGAIN_AFTER_S", 60)
    monkeypatch.setattr(hand_over, "SEND_WITHIN_S", 0.1)
    with socket.socket(socket.AF_UNIX) as stopped:
        stopped.bind(str(path))
        stopped.listen(1)
        while sender.send(["attempt", "a" * 10_000, 1]):
            pass  # until the system holds no more for it
        monkeypatch.setattr(hand_over, "SEND_WITHIN_S", 60)
        began_s = monotonic()
        assert not any(sender.send(["attempt", "b", 1]) for _ in range(100))
        assert monotonic() - began_s < 60  # which one alone would wait


def test_a_line_that_is_not_understood_is_passed_over(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kinds: list[str] = []

    def take(line: Line) -> None:
        kind, *_ = line
        kinds.append(kind)

    with closing(Listener(path, take)), socket.socket(socket.AF_UNIX) as somebody:
        somebody.connect(str(path))
        somebody.sendall(b'POST / HTTP/1.1\r\n\r\n7\n["attempt", "a", 1]\n["half')
    assert kinds == ["attempt"]
    assert caplog.text.count("not understood") == 3


def test_a_line_without_an_end_is_not_read_for_ever(path: Path, eventually: Eventually) -> None:
    with listening(path) as lines, socket.socket(socket.AF_UNIX) as somebody:
        somebody.connect(str(path))

        def is_closed() -> bool:
            try:
                somebody.sendall(b"[" * hand_over.LONGEST_LINE)
            except OSError:
                return True
            return False

        eventually(is_closed)
    assert lines == []
