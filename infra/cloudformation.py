"""Brings one CloudFormation stack from any state into that of a template, or says what is in its way."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from botocore.exceptions import ClientError

from infra.stack_states import REMEDIES, STEPS, Step

POLL_EVERY_S: Final = 2.0
SETTLES_WITHIN_S: Final = 1800


class StackError(Exception):
    """A command cannot be carried out. The message says why, and what to do."""


@dataclass(frozen=True)
class CloudFormation:
    """The stack of one name. `client` is one of CloudFormation; `wait` lets a number of seconds pass."""

    client: Any
    name: str
    wait: Callable[[float], None] = time.sleep

    def find(self) -> dict[str, Any] | None:
        """The stack as CloudFormation describes it. None if there is none."""
        try:
            found: dict[str, Any] = self.client.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return found

    def is_usable(self) -> bool:
        """Whether there is a stack that can be updated, once nobody else changes it. One that is of no use is deleted.

        Raises StackError if only somebody who looks at it can go on.
        """
        found = self._settled()
        if found is None or STEPS[found["StackStatus"]] is Step.UPDATE:
            return found is not None
        self._require_a_way_on(found)
        sys.stderr.write(f"The stack {self.name} is deleted, because its creation failed: {found['StackStatus']}\n")
        self.delete()
        return False

    def apply(self, request: Mapping[str, Any], first: Mapping[str, Any]) -> bool:
        """Create the stack with `first`, or update it with `request`. Returns whether it was created.

        What is made new is deleted if it fails, data or not: nothing has been stored in it. Raises StackError with the
        first reason.
        """
        is_new = not self.is_usable()
        before = set() if is_new else {event["EventId"] for event in self._events()}
        try:
            if is_new:
                self.client.create_stack(StackName=self.name, RetainExceptOnCreate=True, **first)
            else:
                self.client.update_stack(StackName=self.name, RetainExceptOnCreate=True, **request)
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return False
            raise
        found = self._settled()
        if found is None or found["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            self._fail(before)
        return is_new

    def adopt(self, request: Mapping[str, Any], resources: list[dict[str, Any]]) -> None:
        """Let the stack have resources that exist already, and that the request's template adds to it.

        Nothing about a resource is changed. Raises StackError with AWS's reason if the stack cannot have one of them.
        """
        before, name = {event["EventId"] for event in self._events()}, f"adopt-{uuid4().hex}"
        asked = {key: value for key, value in request.items() if key != "Tags"}  # an import may change no tags
        self.client.create_change_set(
            StackName=self.name, ChangeSetName=name, ChangeSetType="IMPORT", ResourcesToImport=resources, **asked
        )
        found = self._prepared(name)
        if found["Status"] != "CREATE_COMPLETE":
            self.client.delete_change_set(StackName=self.name, ChangeSetName=name)
            raise StackError(f"the stack {self.name} could not take over what exists: {found.get('StatusReason')}")
        self.client.execute_change_set(StackName=self.name, ChangeSetName=name)
        settled = self._settled()
        if settled is None or settled["StackStatus"] != "IMPORT_COMPLETE":
            self._fail(before)

    def _prepared(self, name: str) -> dict[str, Any]:
        """A change set once AWS has looked at everything in it."""
        for _ in range(int(SETTLES_WITHIN_S / POLL_EVERY_S)):
            found: dict[str, Any] = self.client.describe_change_set(StackName=self.name, ChangeSetName=name)
            if found["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                return found
            self.wait(POLL_EVERY_S)
        raise StackError(
            f"the change set {name} of the stack {self.name} is not ready; run the same command again later"
        )

    def delete(self) -> None:
        """Delete the stack, and wait until that is done. Raises StackError if it fails."""
        before = {event["EventId"] for event in self._events()}
        self.client.delete_stack(StackName=self.name)
        if self._settled() is not None:
            self._fail(before)

    def _settled(self) -> dict[str, Any] | None:
        """The stack once nobody changes it any more. None if there is none then."""
        for turn in range(int(SETTLES_WITHIN_S / POLL_EVERY_S)):
            found = self.find()
            if found is None or found["StackStatus"] == "DELETE_COMPLETE":
                return None
            if STEPS[found["StackStatus"]] is not Step.WAIT:
                return found
            if turn == 0:
                sys.stderr.write(f"Waiting for the stack {self.name}: {found['StackStatus']}\n")
            self.wait(POLL_EVERY_S)
        raise StackError(f"the stack {self.name} is still being changed; run the same command again later")

    def _require_a_way_on(self, found: Mapping[str, Any]) -> None:
        status = found["StackStatus"]
        if STEPS[status] is Step.STOP:
            raise StackError(
                f"the stack {self.name} is in the state {status}: {REMEDIES[status].format(name=self.name)}"
            )

    def _fail(self, before: set[str]) -> None:
        failed = [
            event
            for event in reversed(self._events())
            if event["EventId"] not in before and event["ResourceStatus"].endswith("_FAILED")
        ]
        why = (
            f"{failed[0]['LogicalResourceId']}: {failed[0].get('ResourceStatusReason')}"
            if failed
            else "nobody says why"
        )
        if "already exists" in why:
            why += " (it is of no stack: if it is a table that was restored, run `python -m infra.restore adopt`;"
            why += " else import it, or delete it)"
        raise StackError(
            f"the stack {self.name} could not be brought up to date: {why}; when the cause is gone, run the same"
            " command again"
        )

    def _events(self) -> list[dict[str, Any]]:
        """The newest events, the newest first."""
        found: list[dict[str, Any]] = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        return found
