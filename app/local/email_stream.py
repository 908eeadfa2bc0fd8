"""Reads the stream of the emulator's table of emails, in the form in which Lambda passes it to a function."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from botocore.exceptions import ClientError

from app.errors import ServiceUnavailable
from app.local import aws, plain_http
from app.local.aws_emulator.streams import NUMBER_LENGTH, STREAM_PATH

SHARD: Final = "shardId-00000000000000000000-00000000"
"""The one shard that the emulator's streams have."""

_PASS_WITHIN_S: Final = 3.0

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StreamState:
    """How far the stream has been read and kept, times in epoch ms.

    `left` records were not passed. `is_full`: nothing more is recorded, until it is resumed. `heal_from_ms` and
    `heal_until_ms`: what was written between these was not recorded, and nobody has found it out yet.
    """

    left: int
    is_full: bool
    heal_from_ms: int | None
    heal_until_ms: int | None


class EmailStream:
    """The stream of one installation. Not for two threads at once."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """`env` is the environment that `environment.deployed` makes."""
        self._tables, self._streams = aws.client("dynamodb", env), aws.client("dynamodbstreams", env)
        self._table = f"{env['TABLE_PREFIX']}emails"
        self._url = f"{env['AWS_ENDPOINT_URL']}{STREAM_PATH}"
        self._arn = self._iterator = ""
        self._last = 0

    @property
    def arn(self) -> str:
        """The name of the stream; "" before the first reading."""
        return self._arn

    def read(self, most: int) -> list[Record]:
        """The next records, in order. Raises botocore's errors; what was not read then is read by the next call."""
        if not self._iterator:
            self._iterator = self._begin()
        iterator, self._iterator = self._iterator, ""  # after an error, another one is asked for
        answer = self._streams.get_records(ShardIterator=iterator, Limit=most)
        self._iterator = answer.get("NextShardIterator", "")
        records = [as_lambda_has_it(record, self._arn) for record in answer["Records"]]
        if records:
            self._last = number_of(records[-1])
        return records

    def go_back(self, number: int) -> None:
        """Make the next `read` begin behind the record of that number. 0: at the oldest record that is left."""
        self._iterator, self._last = "", number

    def passed(self, until: int, *, resume: bool = False, is_healed: bool = False) -> StreamState:
        """Say that all records up to the number `until` are done with, and need not be kept.

        `resume` lets recording begin again after the stream was full, if no record is left; `is_healed` says that what
        was missing was found out. Raises ServiceUnavailable if the emulator does not keep it.
        """
        query: dict[str, str | int] = {"table": self._table, "until": until}
        query |= {"resume": 1} if resume else {}
        query |= {"healed": 1} if is_healed else {}
        try:
            answer = plain_http.post(self._url, query, timeout_s=_PASS_WITHIN_S)
            if answer.status_code == httpx.codes.NOT_FOUND:  # nothing was recorded yet
                return StreamState(0, is_full=False, heal_from_ms=None, heal_until_ms=None)
            found = answer.raise_for_status().json()
        except httpx.HTTPError as error:
            raise ServiceUnavailable(f"the stream of emails does not answer: {type(error).__name__}") from error
        return StreamState(
            found["left"], found["full_since_ms"] is not None, found["heal_from_ms"], found["heal_until_ms"]
        )

    def _begin(self) -> str:
        """An iterator behind the last record that was read. The oldest that is left is the first of all otherwise."""
        self._arn = self._tables.describe_table(TableName=self._table)["Table"]["LatestStreamArn"]
        of: dict[str, str] = {"StreamArn": self._arn, "ShardId": SHARD}
        if self._last:
            try:
                return self._iterator_of(of, "AFTER_SEQUENCE_NUMBER", SequenceNumber=f"{self._last:0{NUMBER_LENGTH}d}")
            except ClientError as error:
                if error.response["Error"]["Code"] != "TrimmedDataAccessException":  # it was passed meanwhile
                    raise
        return self._iterator_of(of, "TRIM_HORIZON")

    def _iterator_of(self, of: dict[str, str], kind: str, **where: str) -> str:
        return str(self._streams.get_shard_iterator(**of, ShardIteratorType=kind, **where)["ShardIterator"])


def number_of(record: Record) -> int:
    """The sequence number of a record."""
    return int(record["dynamodb"]["SequenceNumber"])


def as_lambda_has_it(record: Mapping[str, Any], arn: str) -> Record:
    """A record of GetRecords as Lambda passes it on: binary values in base64, the time in seconds.

    Its form is that of https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html (read 2026-11-30).
    """
    change = {name: _plain(value) for name, value in record["dynamodb"].items()}
    change["ApproximateCreationDateTime"] = record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
    return {**record, "dynamodb": change, "eventSourceARN": arn}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
