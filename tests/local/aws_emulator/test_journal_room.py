"""A disk on which nothing can be kept, and ministack in a version that does not fit."""

import os
import secrets
import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from app.local import emulator
from app.local.environment import deployed
from app.local.mode import LocalError
from app.local.paths import Paths
from app.local.provision import DEAD_LETTERS, provision
from app.store.content import prefix_of
from tests.conftest import EMULATOR_PYTHON
from tests.local.emulating import TABLE, Env, Running, needs_limits, running

Eventually = Callable[..., None]

WRITES: dict[str, dict[str, Any]] = {
    "put_item": {"TableName": "one", "Item": {"p": {"S": "b"}, "s": {"N": "1"}}},
    "update_item": {
        "TableName": "one",
        "Key": {"p": {"S": "a"}, "s": {"N": "1"}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    },
    "delete_item": {"TableName": "one", "Key": {"p": {"S": "a"}, "s": {"N": "1"}}},
    "transact_write_items": {
        "TransactItems": [
            {"Put": {"TableName": "one", "Item": {"p": {"S": "c"}, "s": {"N": "1"}}}},
            {"Delete": {"TableName": "one", "Key": {"p": {"S": "a"}, "s": {"N": "1"}}}},
        ]
    },
    # What announces an effect outside is written in another way, and waits for the disk.
    "put_item of a claim": {
        "TableName": "one",
        "Item": {"p": {"S": "a"}, "s": {"N": "1"}, "lease_until": {"N": "1"}},
    },
    "create_table": {"TableName": "two", **TABLE},
    "delete_table": {"TableName": "one"},
    "update_time_to_live": {
        "TableName": "one",
        "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
    },
}


def seen(at: Running) -> dict[str, Any]:
    """What a reader sees of the table."""
    return {
        "tables": at.tables.list_tables()["TableNames"],
        "items": at.items("one"),
        "count": at.tables.describe_table(TableName="one")["Table"]["ItemCount"],
        "by-g": at.tables.scan(TableName="one", IndexName="by-g")["Items"],
        "ttl": at.tables.describe_time_to_live(TableName="one")["TimeToLiveDescription"],
    }


@pytest.fixture
def filled(env: Env) -> Any:
    """A running emulator with a table of one item."""
    with running(env) as it:
        it.tables.create_table(TableName="one", **TABLE)
        it.tables.put_item(TableName="one", Item={"p": {"S": "a"}, "s": {"N": "1"}, "g": {"S": "x"}})
        yield it


@needs_limits
def test_on_a_full_disk_nothing_is_accepted_and_nothing_is_seen_of_it(
    filled: Running, env: Env, eventually: Eventually
) -> None:
    before = seen(filled)
    filled.leave_room(0)
    for number, (name, request) in enumerate(WRITES.items(), start=1):
        with pytest.raises(ClientError) as refused:
            getattr(filled.tables, name.partition(" ")[0])(**request)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500, name
        assert "nothing can be kept: File too large" in str(refused.value)
        assert seen(filled) == before, f"after {number} writes, the last {name}"
    assert filled.trouble() == "File too large"
    filled.leave_room(None)
    eventually(lambda: filled.trouble() is None)  # by itself, without a further write
    filled.tables.put_item(**WRITES["put_item"])
    after = seen(filled)
    assert len(after["items"]) == 2
    filled.kill()
    with running(env) as again:
        assert seen(again) == after


@needs_limits
def test_a_transaction_that_was_refused_is_made_when_it_comes_again(filled: Running) -> None:
    """Under the same token: what was refused must not count as made."""
    request = {**WRITES["transact_write_items"], "ClientRequestToken": "the-same"}
    filled.leave_room(0)
    with pytest.raises(ClientError, match="nothing can be kept"):
        filled.tables.transact_write_items(**request)
    filled.leave_room(None)
    filled.tables.transact_write_items(**request)
    assert [item["p"]["S"] for item in filled.items("one")] == ["c"]


@needs_limits
def test_the_end_on_a_full_disk_says_so(filled: Running) -> None:
    filled.leave_room(0)
    with pytest.raises(ClientError):
        filled.tables.put_item(**WRITES["put_item"])
    assert filled.stop() == emulator.REFUSED == 3


@needs_limits
def test_an_object_is_whole_or_refused(filled: Running, env: Env, eventually: Eventually) -> None:
    provision(filled.env)
    bucket = filled.env["CONTENT_BUCKET"]
    filled.objects.put_object(Bucket=bucket, Key="content/a/1", Body=b"a" * 1000)
    filled.leave_room(5000)
    with pytest.raises(ClientError) as refused:
        filled.objects.put_object(Bucket=bucket, Key="content/b/1", Body=b"b" * 400_000)
    assert refused.value.response["Error"]["Code"] == "ServiceUnavailable"
    assert filled.trouble() == "File too large"
    with pytest.raises(ClientError, match="NoSuchKey"):
        filled.objects.get_object(Bucket=bucket, Key="content/b/1")
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        filled.objects.put_object(Bucket=bucket, Key="content/a/1", Body=b"c" * 400_000)
    assert filled.objects.get_object(Bucket=bucket, Key="content/a/1")["Body"].read() == b"a" * 1000
    filled.leave_room(None)
    eventually(lambda: filled.trouble() is None)
    filled.objects.put_object(Bucket=bucket, Key="content/b/1", Body=b"b" * 400_000)
    filled.kill()
    with running(env) as again:
        assert again.objects.get_object(Bucket=bucket, Key="content/a/1")["Body"].read() == b"a" * 1000
        assert again.objects.get_object(Bucket=bucket, Key="content/b/1")["Body"].read() == b"b" * 400_000


def test_an_object_that_was_torn_by_a_kill_is_gone(filled: Running, env: Env) -> None:
    provision(filled.env)
    bucket = filled.env["CONTENT_BUCKET"]
    for key in ("content/short/1", "content/bare/1", "content/whole/1"):
        filled.objects.put_object(Bucket=bucket, Key=key, Body=b"content")
    filled.kill()
    folder = Paths.of(env).emulator / "s3"
    [short], [bare] = folder.rglob("short/1"), folder.rglob("bare/1")
    short.write_bytes(b"cont")
    bare.with_name("1.meta.json").unlink()
    short.with_name("1.tmp").write_bytes(b"half of another")
    with running(env) as again:
        listed = again.objects.list_objects_v2(Bucket=bucket)["Contents"]
        assert [found["Key"] for found in listed] == ["content/whole/1"]
        assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["1", "1.meta.json"]


def test_what_has_expired_is_deleted_from_memory_and_disk(env: Env, eventually: Eventually) -> None:
    with running(env, expiry_s=0.2) as first:
        provision(first.env)
        first.tables.create_table(TableName="one", **TABLE)
        first.tables.update_time_to_live(**WRITES["update_time_to_live"])
        for name, ttl in (("old", "1"), ("young", "9999999999")):
            first.tables.put_item(
                TableName="one", Item={"p": {"S": name}, "s": {"N": "1"}, "ttl": {"N": ttl}, "g": {"S": "x"}}
            )
        first.tables.put_item(TableName="one", Item={"p": {"S": "without"}, "s": {"N": "1"}})
        eventually(lambda: {item["p"]["S"] for item in first.items("one")} == {"young", "without"})
        assert first.tables.scan(TableName="one", IndexName="by-g")["Count"] == 1
        first.kill()
    with running(env) as second:
        assert {item["p"]["S"] for item in second.items("one")} == {"young", "without"}


def test_objects_expire_by_their_age(env: Env, eventually: Eventually, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "OBJECTS_LIVE_FOR_DAYS", (1 / 86_400, 10))
    with running(env, expiry_s=0.2) as first:
        provision(first.env)
        bucket = first.env["CONTENT_BUCKET"]
        for prefix in (prefix_of(10), prefix_of(1 / 86_400)):
            first.objects.put_object(Bucket=bucket, Key=f"{prefix}a/1", Body=b"content")
        left = [f"{prefix_of(10)}a/1"]
        eventually(lambda: [o["Key"] for o in first.objects.list_objects_v2(Bucket=bucket)["Contents"]] == left)
        assert [path.name for path in (Paths.of(env).emulator / "s3").rglob("content/*")] == ["10d"]


def test_of_dead_letters_the_newest_are_kept(env: Env, eventually: Eventually) -> None:
    with running(env, expiry_s=0.2) as first:
        provision(first.env)
        url = first.queues.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
        first.queues.send_message(QueueUrl=url, MessageBody="old")
        first.queues.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
        first.kill()
        path = Paths.of(env).emulator / "journal.sqlite3"
        with sqlite3.connect(path) as journal:
            journal.execute("UPDATE entries SET value = json_set(value, '$.sent_at', 1) WHERE value LIKE '%old%'")
        journal.close()
    with running(env, expiry_s=0.2) as second:
        provision(second.env)
        url = second.queues.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
        second.queues.send_message(QueueUrl=url, MessageBody="new")

        def count() -> str:
            found = second.queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            return str(found["ApproximateNumberOfMessages"])

        eventually(lambda: count() == "1")


def test_of_what_no_email_finds_the_newest_are_kept(env: Env, eventually: Eventually) -> None:
    key = {"AttributeName": "email_id", "AttributeType": "S"}
    table: Any = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [key],
        "KeySchema": [{"AttributeName": "email_id", "KeyType": "HASH"}],
    }

    def ids(at: Running) -> set[str]:
        return {item["email_id"]["S"] for item in at.items("emailsminder-emails")}

    names = [f"key#{secrets.token_hex(4)}" for _ in range(5)]
    with running(env) as first:
        first.tables.create_table(TableName="emailsminder-emails", **table)
        for name in (*names, "eml_1", "eml_2"):
            first.tables.put_item(TableName="emailsminder-emails", Item={"email_id": {"S": name}})
        first.kill()
    with running({**env, "KEEP_EMAILS": "1"}, expiry_s=0.2) as second:  # the order outlives the kill
        eventually(lambda: ids(second) == {*names[-emulator.SPARE :], "eml_1", "eml_2"})


def patched(folder: Path, before: str, after: str) -> str:
    """A Python whose ministack differs in one place, as another version could."""
    [package] = EMULATOR_PYTHON.parents[1].glob("lib/python*/site-packages/ministack")
    shutil.copytree(package, folder / "ministack", ignore=shutil.ignore_patterns("__pycache__"))
    source = folder / "ministack" / "services" / "dynamodb.py"
    text = source.read_text()
    assert before in text
    source.write_text(text.replace(before, after))
    code = (
        f"import sys, runpy; sys.path.insert(0, {str(folder)!r}); sys.argv = sys.argv[1:]; sys.argv.pop(0); "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nshift\nexec "{EMULATOR_PYTHON}" -I -c "{code}" start "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


MISFITS = {
    "another shape": (
        "def _set_item(table, pk_val, sk_val, item)",
        "def _set_item(table, pk_val, sk_val, item, at=0)",
    ),
    "another way to write": (
        "    _set_item(table, pk_val, sk_val, item)\n\n    event_name",
        '    table["items"].setdefault(pk_val, {})[sk_val] = item\n\n    event_name',
    ),
    "another thread": ('name="dynamodb-ttl-reaper"', 'name="reaper"'),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_ministack_that_does_not_fit_is_one_sentence(env: Env, tmp_path: Path, misfit: str) -> None:
    python = patched(tmp_path, *MISFITS[misfit])
    with pytest.raises(LocalError) as error:
        Running({**env, "EMULATOR_PYTHON": python})
    sentence = str(error.value)
    assert "The AWS emulator ended with status 1 while starting: " in sentence
    assert "does not fit ministack" in sentence or "no thread dynamodb-ttl-reaper" in sentence
    assert "Traceback" not in sentence
    assert len(sentence.splitlines()) == 1


def test_a_journal_of_a_newer_version_is_left_alone(env: Env) -> None:
    folder = Paths.of(deployed(env)).emulator
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "journal.sqlite3") as journal:
        journal.execute("PRAGMA user_version = 99")
    journal.close()
    content = (folder / "journal.sqlite3").read_bytes()
    with pytest.raises(LocalError, match=r"journal.sqlite3 was written by a newer version: start that one, or set"):
        Running(env)
    assert (folder / "journal.sqlite3").read_bytes() == content


def test_a_damaged_journal_is_one_sentence(env: Env) -> None:
    folder = Paths.of(deployed(env)).emulator
    folder.mkdir(parents=True)
    (folder / "journal.sqlite3").write_bytes(os.urandom(8192))
    with pytest.raises(LocalError, match=r"journal.sqlite3 cannot be opened: file is not a database"):
        Running(env)


def middle(content: bytes) -> bytes:
    begin = len(content) // 2
    return content[:begin] + bytes(range(256)) * 32 + content[begin + 8192 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "8 KB in the middle": middle,
    "cut off": lambda content: content[:-777],
    "half of it": lambda content: content[: len(content) // 2],
    "an item": lambda content: content.replace(b'{"S":"xxx', b"[[[[[[[[[", 1),
    "a key": lambda content: content.replace(b'["a0"', b"[[[[[["),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_journal_that_was_damaged_later_is_one_sentence_and_stays_as_it_is(env: Env, damage: str) -> None:
    with running(env) as emulator:
        emulator.tables.create_table(TableName="one", **TABLE)
        for number in range(60):
            item = {"p": {"S": f"a{number}"}, "s": {"N": "1"}, "n": {"S": "x" * 2_000}}
            emulator.tables.put_item(TableName="one", Item=item)
    path = Paths.of(deployed(env)).emulator / "journal.sqlite3"
    whole = path.read_bytes()
    damaged = DAMAGES[damage](whole)
    assert damaged != whole
    path.write_bytes(damaged)
    with pytest.raises(LocalError, match=r"while starting: \S+journal.sqlite3 cannot be opened: .") as error:
        Running(env)
    assert "Error" not in str(error.value)
    assert f"(move {path.parent} away to begin anew)" in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert path.read_bytes() == damaged
