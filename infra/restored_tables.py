"""Restores tables to a point in time, under other names, and gives them the settings that DynamoDB does not restore.

Which settings these are: "Restore a table in DynamoDB" and RestoreTableToPointInTime, DynamoDB Developer Guide and API
Reference, read 2026-11-30. Alarms and roles are not set here: they follow the names of the tables in the stack.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from infra.cloudformation import StackError

POLL_EVERY_S: Final = 20
MADE_WITHIN_S: Final = 24 * 3600  # a large table takes hours
BACKED_UP_WITHIN_S: Final = 600  # a new table cannot be backed up at once


@dataclass(frozen=True)
class Restoration:
    """One table, `source`, and what is made of it, `target`. `client` is one of DynamoDB; `wait` lets seconds pass."""

    client: Any
    source: str
    target: str
    wait: Callable[[float], None] = time.sleep

    def begin(self, at: datetime | None) -> None:
        """Make the table as it was at that time, or as it is now. One that is there stays as it is.

        Raises StackError if that one is of another time, or of another table.
        """
        when = {"UseLatestRestorableTime": True} if at is None else {"RestoreDateTime": at}
        try:
            self.client.restore_table_to_point_in_time(SourceTableName=self.source, TargetTableName=self.target, **when)
        except self.client.exceptions.TableAlreadyExistsException:
            self._require(at)
            sys.stdout.write(f"{self.target} is there already, and stays as it is\n")
            return
        sys.stdout.write(f"{self.target}: {self.source} as of {at.isoformat() if at else 'now'}\n")

    def _require(self, at: datetime | None) -> None:
        found = self._describe(self.target).get("RestoreSummary", {})
        made_of = found.get("SourceTableArn", self.source).rpartition("/")[2]
        if made_of != self.source:
            raise StackError(f"{self.target} is there already, made of {made_of}: say another --prefix")
        is_of = found.get("RestoreDateTime", at)
        if at and is_of.replace(microsecond=0) != at.replace(microsecond=0):
            raise StackError(
                f"{self.target} is there already, as of {is_of.astimezone(UTC).isoformat()}, and you say"
                f" {at.astimezone(UTC).isoformat()}: say another --prefix"
            )

    def end(self) -> None:
        """Wait until the table is made, and give it the settings of its source. It may be repeated."""
        self._made()
        self._expire()
        self._stream()
        self._back_up()
        self._tag()
        self._limit()
        self._protect()

    def _expire(self) -> None:
        """The time to live of items."""
        wanted, known = (
            self.client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
            for name in (self.source, self.target)
        )
        if "AttributeName" in wanted and wanted.get("AttributeName") != known.get("AttributeName"):
            self.client.update_time_to_live(
                TableName=self.target,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": wanted["AttributeName"]},
            )

    def _stream(self) -> None:
        """The stream of changes, which begins empty and has another ARN: whoever reads it is told by a deployment."""
        wanted, known = (self._describe(name).get("StreamSpecification", {}) for name in (self.source, self.target))
        if wanted.get("StreamEnabled") and not known.get("StreamEnabled"):
            self.client.update_table(TableName=self.target, StreamSpecification=wanted)
            self._made()

    def _back_up(self) -> None:
        """The recovery to a point in time, and for how many days."""
        found = self.client.describe_continuous_backups(TableName=self.source)["ContinuousBackupsDescription"]
        wanted = found["PointInTimeRecoveryDescription"]
        days = {key: wanted[key] for key in ("RecoveryPeriodInDays",) if key in wanted}
        is_on = wanted["PointInTimeRecoveryStatus"] == "ENABLED"
        for turn in range(BACKED_UP_WITHIN_S // POLL_EVERY_S):
            try:
                self.client.update_continuous_backups(
                    TableName=self.target,
                    PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": is_on, **days},
                )
            except self.client.exceptions.ContinuousBackupsUnavailableException:
                if turn + 1 == BACKED_UP_WITHIN_S // POLL_EVERY_S:
                    raise
                self.wait(POLL_EVERY_S)
            else:
                return

    def _tag(self) -> None:
        source, target = (self._describe(name)["TableArn"] for name in (self.source, self.target))
        found = [tag for page in self._pages_of_tags(source) for tag in page["Tags"]]
        if own := [tag for tag in found if not tag["Key"].startswith("aws:")]:  # those are CloudFormation's
            self.client.tag_resource(ResourceArn=target, Tags=own)

    def _pages_of_tags(self, arn: str) -> Any:
        return self.client.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)

    def _limit(self) -> None:
        """The ceilings of units a second, of the table and of each index."""
        wanted, known = _ceilings(self._describe(self.source)), _ceilings(self._describe(self.target))
        missing = {name: ceiling for name, ceiling in wanted.items() if ceiling != known.get(name)}
        changes: dict[str, Any] = {}
        if "" in missing:
            changes["OnDemandThroughput"] = missing.pop("")
        if missing:
            changes["GlobalSecondaryIndexUpdates"] = [
                {"Update": {"IndexName": name, "OnDemandThroughput": ceiling}} for name, ceiling in missing.items()
            ]
        if changes:
            self.client.update_table(TableName=self.target, **changes)
            self._made()

    def _protect(self) -> None:
        wanted, known = (
            self._describe(name).get("DeletionProtectionEnabled", False) for name in (self.source, self.target)
        )
        if wanted != known:
            self.client.update_table(TableName=self.target, DeletionProtectionEnabled=wanted)
            self._made()

    def _made(self) -> None:
        for _ in range(MADE_WITHIN_S // POLL_EVERY_S):
            if self._describe(self.target)["TableStatus"] == "ACTIVE":
                return
            self.wait(POLL_EVERY_S)
        raise StackError(f"{self.target} is still being made; run the same command again later")

    def _describe(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.describe_table(TableName=name)["Table"]
        return found


def _ceilings(table: dict[str, Any]) -> dict[str, Any]:
    """The ceilings of a table ("") and of its indexes, where there are some."""
    each = {"": table, **{index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", ())}}
    return {name: found["OnDemandThroughput"] for name, found in each.items() if found.get("OnDemandThroughput")}
