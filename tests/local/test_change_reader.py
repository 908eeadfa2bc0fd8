"""What was written is told in order, whoever dies; what cannot be told is given up alone, and late."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.errors import ServiceUnavailable
from app.local import change_reader, emulator
from app.local.change_reader import ChangeReader
from app.local.email_stream import EmailStream, Record, number_of
from app.local.invocation import Context, LambdaEvent
from tests.local.emulating import Env, Running, running
from tests.local.streamed import EMAILS, SHAPE, item, put

Eventually = Callable[..., None]


class Told:
    """A handler: it keeps what it is told, and fails from the first record on that is one of `poisoned`."""

    def __init__(self) -> None:
        self.poisoned: set[tuple[str, int]] = set()
        self.told: list[tuple[str, int]] = []
        self.sizes: list[int] = []
        self.buried: list[tuple[str, int]] = []
        self.healed: list[tuple[int, int]] = []
        self.is_kept = self.raises = self.is_busy = False

    def heal(self, from_ms: int, until_ms: int, before_ms: int) -> bool:
        assert from_ms < until_ms
        self.healed.append((until_ms, before_ms))
        return len(self.healed) > 1  # at first, an email is left alone

    def __call__(self, event: LambdaEvent, context: Context) -> dict[str, Any]:
        assert context.get_remaining_time_in_millis() > 0
        records = event["Records"]
        self.sizes.append(len(records))
        for record in records:
            if named(record) in self.poisoned:
                if self.raises:
                    raise ServiceUnavailable("the table does not answer")
                return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
            self.told.append(named(record))
        return {"batchItemFailures": []}


def named(record: Record) -> tuple[str, int]:
    assert (record["eventSource"], record["awsRegion"]) == ("aws:dynamodb", "us-east-1")
    assert record["eventSourceARN"].partition("/stream/")[0].endswith(f"table/{EMAILS}")
    assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], float)
    image = record["dynamodb"]["NewImage"]
    return image["email_id"]["S"], int(image["version"]["N"])


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def at(env: Env) -> Iterator[Running]:
    with running(env) as it:
        it.tables.create_table(**SHAPE)
        yield it


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_reader, "LONGEST_PAUSE_S", 0.01)
    monkeypatch.setattr(change_reader, "PASS_EVERY_S", 0.05)
    monkeypatch.setattr(change_reader, "VISIBLE_AFTER_S", 0.05)
    monkeypatch.setattr(change_reader, "HEAL_EVERY_S", 0.1)


def reader_of(at: Running, told: Told) -> ChangeReader:
    return ChangeReader(
        EmailStream(at.env),
        told,
        bury=lambda _, record: told.buried.append(named(record)),
        is_kept=lambda: told.is_kept,
        heal=told.heal,
        is_busy=lambda: told.is_busy,
    )


@contextmanager
def reading(reader: ChangeReader) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=reader.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        reader.wake()
        thread.join()


def left(at: Running) -> int:
    return EmailStream(at.env).passed(0).left


def test_what_is_written_is_told_at_once_and_kept_no_longer(at: Running, told: Told, eventually: Eventually) -> None:
    reader = reader_of(at, told)
    with reading(reader):
        put(at, item("a", 1), item("b", 1), item("a", 2))
        reader.wake()
        eventually(lambda: told.told == [("a", 1), ("b", 1), ("a", 2)])
        eventually(lambda: left(at) == 0)


def test_what_was_not_told_before_the_emulator_was_killed_is_told_after_it(
    env: Env, at: Running, told: Told, eventually: Eventually
) -> None:
    versions = [("a", version) for version in range(1, 251)]  # more than a batch
    put(at, *(item(*one) for one in versions))
    at.kill()
    with running(env) as again:
        with reading(reader_of(again, told)):
            eventually(lambda: told.told == versions)
        assert left(again) == 0  # a reader that ends says how far it was


def test_a_reader_that_dies_leaves_what_it_told_last_to_be_told_again(
    at: Running, told: Told, eventually: Eventually
) -> None:
    put(at, item("a", 1))
    reader_of(at, told)._publish_all(threading.Event())  # and dies before it says so
    put(at, item("a", 2))
    with reading(reader_of(at, told)):
        eventually(lambda: told.told[-1:] == [("a", 2)])
    assert told.told in ([("a", 1), ("a", 2)], [("a", 1), ("a", 1), ("a", 2)])


def test_a_notification_in_memory_holds_its_record_back(at: Running, told: Told, eventually: Eventually) -> None:
    closed: list[Callable[[], None]] = []

    def notifying(event: LambdaEvent, context: Context) -> dict[str, Any]:
        closed.append(reader.passing.opened())
        return told(event, context)

    reader = ChangeReader(
        EmailStream(at.env),
        notifying,
        bury=lambda *_: None,
        is_kept=lambda: True,
        heal=lambda *_: True,
        is_busy=lambda: False,
    )
    with reading(reader):
        put(at, item("a", 1))
        reader.wake()
        eventually(lambda: len(told.told) == 1)
        put(at, item("a", 2))
        reader.wake()
        eventually(lambda: len(told.told) == 2)
        second, first = closed.pop(), closed.pop()
        second()
        assert left(at) == 2
        first()
        reader.wake()
        eventually(lambda: left(at) == 0)


@pytest.mark.parametrize("raises", [False, True])
def test_a_record_that_always_fails_is_given_up_alone_and_those_behind_it_are_told(
    at: Running, told: Told, eventually: Eventually, *, raises: bool
) -> None:
    told.poisoned, told.is_kept, told.raises = {("b", 1)}, True, raises
    put(at, item("a", 1), item("b", 1), item("a", 2), item("c", 1))
    with reading(reader_of(at, told)):
        eventually(lambda: told.buried == [("b", 1)])
        eventually(lambda: told.told[-2:] == [("a", 2), ("c", 1)])
        eventually(lambda: left(at) == 0)
    assert told.sizes[0] == 4
    assert 1 in told.sizes
    assert len(told.sizes) >= change_reader.TRIES


def test_nothing_is_given_up_while_nothing_can_be_kept(at: Running, told: Told, eventually: Eventually) -> None:
    told.poisoned, told.raises = {("a", 1)}, True
    put(at, item("a", 1), item("a", 2))
    with reading(reader_of(at, told)):
        eventually(lambda: len(told.sizes) > 3 * change_reader.TRIES)
        assert (told.buried, told.told) == ([], [])
        told.poisoned = set()
        eventually(lambda: told.told == [("a", 1), ("a", 2)])


def test_a_dead_letter_that_is_not_kept_skips_nothing(at: Running, told: Told, eventually: Eventually) -> None:
    fails = [True]

    def bury(_: str, record: Record) -> None:
        if fails:
            raise ServiceUnavailable(str(fails.pop()))
        told.buried.append(named(record))

    told.poisoned = {("a", 1)}
    reader = ChangeReader(
        EmailStream(at.env), told, bury=bury, is_kept=lambda: True, heal=lambda *_: True, is_busy=lambda: False
    )
    put(at, item("a", 1), item("b", 1), item("c", 1))
    with reading(reader):
        eventually(lambda: told.told == [("b", 1), ("c", 1)])
    assert told.buried == [("a", 1)]


def test_telling_gives_way_to_sending_but_not_once_it_is_far_behind(
    at: Running, told: Told, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(change_reader, "GIVES_WAY_TIMES", 10**9)
    monkeypatch.setattr(change_reader, "LONGEST_WAY_S", 60.0)
    monkeypatch.setattr(change_reader, "FAR_BEHIND", 150)
    told.is_busy = True
    put(at, *(item("a", version) for version in range(1, 102)))
    with reading(reader_of(at, told)):
        eventually(lambda: len(told.told) == 100)
        assert not threading.Event().wait(0.3)
        assert len(told.told) == 100  # the last one waits
    assert left(at) == 1
    put(at, *(item("a", version) for version in range(102, 402)))
    reader = reader_of(at, told)
    reader._say_passed()  # it has looked how far behind it is
    with reading(reader):
        eventually(lambda: len(told.told) >= 300)


def test_what_was_written_while_the_stream_was_full_is_healed_behind_all_that_it_holds(
    env: Env, told: Told, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(emulator, "STREAM_KEPT", 3)
    with running(env) as at:
        at.tables.create_table(**SHAPE)
        put(at, *(item("a", version) for version in range(1, 6)))
        reader = reader_of(at, told)
        with reading(reader):
            eventually(lambda: len(told.healed) == 1)
            assert EmailStream(at.env).passed(0).heal_from_ms is not None
            assert told.told == [("a", 1), ("a", 2), ("a", 3)]
            put(at, item("a", 6))
            reader.wake()
            eventually(lambda: told.told[3:] == [("a", 6)])
            reader.wake()
            eventually(lambda: len(told.healed) == 2)
        (until_ms, first_ms), (same_ms, second_ms) = told.healed
        assert until_ms == same_ms
        assert first_ms < until_ms - change_reader.WRITTEN_WITHIN_MS + 1000
        assert first_ms < second_ms
        assert EmailStream(at.env).passed(0).heal_from_ms is None


def test_healing_that_fails_comes_again(
    env: Env, told: Told, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(emulator, "STREAM_KEPT", 1)
    tries: list[int] = []

    def heal(from_ms: int, until_ms: int, _: int) -> bool:
        tries.append(from_ms)
        if len(tries) < 3:
            raise ServiceUnavailable(f"until {until_ms}")
        return True

    with running(env) as at:
        at.tables.create_table(**SHAPE)
        put(at, item("a", 1), item("a", 2))
        reader = ChangeReader(
            EmailStream(at.env), told, bury=lambda *_: None, is_kept=lambda: True, heal=heal, is_busy=lambda: False
        )
        with reading(reader):
            eventually(lambda: len(tries) == 3)
            eventually(lambda: EmailStream(at.env).passed(0).heal_from_ms is None)
    assert len(set(tries)) == 1


def test_records_have_the_form_of_lambda(at: Running) -> None:
    put(at, item("a", 1, data={"B": b"\xff"}, list={"L": [{"BS": [b"\x01"]}]}))
    [record] = EmailStream(at.env).read(10)
    assert record["dynamodb"]["NewImage"]["data"] == {"B": "/w=="}
    assert record["dynamodb"]["NewImage"]["list"] == {"L": [{"BS": ["AQ=="]}]}
    assert number_of(record) == 1
