"""A stub of CloudFormation, and of the tables and buckets that it makes: any of them can be made to fail."""

import json
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

ONCE_MORE = 2  # calls of describe_stacks during which an operation is under way


def error(operation: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, operation)


class TemplatesStub:
    """The bucket from which CloudFormation reads templates, and who owns it."""

    meta = SimpleNamespace(endpoint_url="https://s3.us-east-1.amazonaws.com")
    exceptions = SimpleNamespace(BucketAlreadyOwnedByYou=ClientError)

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "123456789012"}

    def create_bucket(self, **_: Any) -> None: ...

    put_public_access_block = put_bucket_encryption = put_bucket_lifecycle_configuration = create_bucket

    def put_object(self, Bucket: str, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803 because botocore calls it so
        self.objects[f"{self.meta.endpoint_url}/{Bucket}/{Key}"] = Body

    def read(self, url: str) -> dict[str, Any]:
        return dict(json.loads(self.objects[url]))


class CloudFormationStub:
    """One account. It knows of a stack what decides whether a deployment can be repaired.

    A resource that a create made is deleted when the create fails, unless it is retained and RetainExceptOnCreate was
    not said. A protected table cannot be deleted. A resource with a name cannot be made if there is one of that name.
    """

    def __init__(self) -> None:
        self.fails: set[str] = set()  # the logical names of resources that cannot be made
        self.stays: set[str] = set()  # those that cannot be deleted
        self.existing: dict[str, bool] = {}  # physical name → whether it is protected
        self.status: str | None = None
        self.resources: list[str] = []
        self.calls: list[str] = []
        self.policy, self.is_protected = "", False
        self._events: list[dict[str, str]] = []
        self._names: dict[str, str] = {}
        self._after: list[str | None] = []
        self._request: dict[str, Any] = {}
        self.templates = TemplatesStub()

    def create_client(self, service: str) -> Any:
        return self.templates if service in ("s3", "sts") else self

    def get_config_variable(self, _: str) -> str:
        return "us-east-1"

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 because botocore calls it so
        if self._after:
            self.status = self._after.pop(0)
        if self.status is None:
            raise error("DescribeStacks", f"Stack with id {StackName} does not exist")
        return {"Stacks": [{"StackStatus": self.status, "Parameters": self._request.get("Parameters", [])}]}

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:  # noqa: ARG002, N803 because botocore calls it so
        return {"StackEvents": self._events[::-1]}

    def create_stack(self, **request: Any) -> None:
        assert self.status is None
        self.calls.append("create")
        self._request = request
        template = self.templates.read(request["TemplateURL"])["Resources"]
        for name, found in template.items():
            physical = self._physical(name, found)
            if name in self.fails or physical in self.existing:
                reason = f"{physical} already exists" if physical in self.existing else "no"
                self._event(name, "CREATE_FAILED", reason)
                self._roll_back(template, keep_retained=not request.get("RetainExceptOnCreate", False))
                return
            self._make(name, physical, found)
        self._then("CREATE_IN_PROGRESS", "CREATE_COMPLETE")

    def update_stack(self, **request: Any) -> None:
        assert self.status is not None
        if request["Parameters"] == self._request.get("Parameters"):
            raise error("UpdateStack", "No updates are to be performed.")
        self.calls.append("update")
        template = self.templates.read(request["TemplateURL"])["Resources"]
        failing = self.fails & set(template)
        if failing:
            self._event(failing.pop(), "UPDATE_FAILED", "no")
            self._then("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE")
            return
        self._request = request
        for name, found in template.items():
            self.existing[self._names[name]] = self._is_protected(found)
        self._then("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")

    def set_stack_policy(self, StackName: str, StackPolicyBody: str) -> None:  # noqa: ARG002, N803 because botocore calls it so
        self.policy = StackPolicyBody

    def update_termination_protection(self, StackName: str, EnableTerminationProtection: bool) -> None:  # noqa: ARG002, N803 because botocore calls it so
        self.is_protected = EnableTerminationProtection

    def delete_stack(self, StackName: str) -> None:  # noqa: ARG002, N803 because botocore calls it so
        if self.is_protected:
            raise error("DeleteStack", "cannot be deleted while TerminationProtection is enabled")
        self.calls.append("delete")
        if stuck := [name for name in self.resources if name in self.stays]:
            self._event(stuck[0], "DELETE_FAILED", "it is not empty")
            self._then("DELETE_IN_PROGRESS", "DELETE_FAILED")
            return
        for name in self.resources:
            del self.existing[self._names[name]]
        self.resources = []
        self._then("DELETE_IN_PROGRESS", None)

    def _roll_back(self, template: dict[str, Any], *, keep_retained: bool) -> None:
        left = False
        for name in self.resources[::-1]:
            physical = self._names[name]
            if keep_retained and template[name].get("DeletionPolicy") == "Retain":
                self.resources.remove(name)  # it stays, and is of no stack any more
            elif self.existing[physical] or name in self.stays:
                self._event(name, "DELETE_FAILED", "it cannot be deleted")
                left = True
            else:
                del self.existing[physical]
                self.resources.remove(name)
        self._then("ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE")

    def _make(self, name: str, physical: str, found: dict[str, Any]) -> None:
        self.existing[physical] = self._is_protected(found)
        self.resources.append(name)
        self._names[name] = physical
        self._event(name, "CREATE_COMPLETE", "")

    def _is_protected(self, found: dict[str, Any]) -> bool:
        values = {one["ParameterKey"]: one["ParameterValue"] for one in self._request["Parameters"]}
        return bool(found["Type"] == "AWS::DynamoDB::Table" and values["DeletionProtection"] == "true")

    def _physical(self, name: str, found: dict[str, Any]) -> str:
        named = found["Properties"].get("TableName") or found["Properties"].get("QueueName")
        return json.dumps(named) if named else f"{name}-{len(self._events)}"

    def _event(self, name: str, status: str, reason: str) -> None:
        number = str(len(self._events))
        self._events.append(
            {"EventId": number, "LogicalResourceId": name, "ResourceStatus": status, "ResourceStatusReason": reason}
        )

    def _then(self, meanwhile: str, status: str | None) -> None:
        self._after = [*[meanwhile] * ONCE_MORE, status]
