"""The CloudFormation stack of an environment: everything that is not a function or an API.

`python -m infra.stack apply|outputs|silence|delete ENVIRONMENT` runs one command. The template is infra/template.yaml;
its parameters are `stack` in zappa_settings.json. `zappa deploy` and `zappa update` apply it by themselves.
"""

import argparse
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.session import Session

from app.domain.lane import Lane
from infra import (
    account_alarms,
    alarms,
    mappings,
    protection,
    renaming,
    settings_check,
    template,
    template_bucket,
    waf,
)
from infra.cloudformation import CloudFormation, StackError
from infra.commands import in_one_line, session_of
from infra.parameters import parameters
from infra.stages import ENTRY_POINTS, PROJECT, SETTINGS, Stage, settings, worker_timeout_s
from infra.variables import lines, variables

KEPT = ("AWS::DynamoDB::Table", "AWS::S3::Bucket")  # the resources that the template retains


@dataclass(frozen=True)
class Stack:
    """The stack of one environment, in the region of `session`."""

    session: Session
    environment: str

    @property
    def name(self) -> str:
        """The name of the stack. It has a suffix, because Zappa creates and deletes a stack of the name without it."""
        return f"{PROJECT}-{self.environment}-resources"

    @property
    def prefix(self) -> str:
        """What the names of the tables begin with. Only infra/restore.py changes it."""
        return self.parameter("TablePrefix") or f"{PROJECT}-{self.environment}-"

    def apply(self, parameters: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, str]:
        """Create the stack, or update it if the template, `parameters` or `tags` changed. Returns its outputs.

        Its tables are protected when it is complete, and not before: CloudFormation could not take them back if another
        resource fails. Raises StackError if AWS rolls it back, with the first reason, or if it cannot be changed now.
        """
        url = self.url_of(template.body())
        request = self.request(parameters, tags, url)
        unprotected = self.request({**parameters, "DeletionProtection": "false"}, tags, url)
        if str(parameters.get("WafRate", 0)) == "0" and self.find():
            waf.release(self.client("wafv2"), self.outputs())
        if self.cloudformation().apply(request, unprotected):
            sys.stdout.write(f"The environment {self.environment} is new, and its tables are empty\n")
            if request != unprotected:
                self.cloudformation().apply(request, unprotected)
        protection.apply(self.client("cloudformation"), self.name, is_on=request != unprotected)
        return self.outputs()

    def request(
        self, parameters: Mapping[str, Any], tags: Mapping[str, str], url: str, prefix: str | None = None
    ) -> dict[str, Any]:
        """What CloudFormation is asked for, but for the stack's name. It reads the template at `url` (`url_of`).

        The names of the tables begin with `prefix`; without one, with that of those that there are.
        """
        values = {
            "DeletionProtection": "true",
            **parameters,
            "Environment": self.environment,
            "TablePrefix": prefix or self.prefix,
        }
        return {
            "TemplateURL": url,
            "Capabilities": ["CAPABILITY_IAM"],
            "Parameters": [{"ParameterKey": key, "ParameterValue": _text(key, value)} for key, value in values.items()],
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }

    def url_of(self, body: str) -> str:
        """Where CloudFormation reads this template, once it is put there."""
        return template_bucket.put(self.session, self.environment, body)

    def parameter(self, name: str) -> str:
        """The value that a parameter has now; "" if there is no stack, or if it has no such parameter."""
        found = (self.find() or {}).get("Parameters", [])
        return next((str(one["ParameterValue"]) for one in found if one["ParameterKey"] == name), "")

    def outputs(self) -> dict[str, str]:
        """The outputs of the stack, by name. Raises StackError if there is no stack."""
        found = self.find()
        if found is None:
            raise StackError(f"there is no stack {self.name}: deploy first")
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    def delete(self) -> None:
        """Delete the stack, and the data that it would retain.

        Raises StackError if a table is protected, or if there is no stack, with the tables that are left of one.
        """
        self._require_stack()
        resources = self.client("cloudformation").describe_stack_resources(StackName=self.name)["StackResources"]
        kept = {kind: [r["PhysicalResourceId"] for r in resources if r["ResourceType"] == kind] for kind in KEPT}
        dynamodb = self.client("dynamodb")
        for table in kept["AWS::DynamoDB::Table"]:
            with suppress(dynamodb.exceptions.ResourceNotFoundException):  # somebody deleted it by hand
                if not dynamodb.describe_table(TableName=table)["Table"].get("DeletionProtectionEnabled"):
                    continue
                raise StackError(f"{table} is protected: set DeletionProtection to false and apply first")
        for bucket in kept["AWS::S3::Bucket"]:
            self._empty(bucket)
        waf.release(self.client("wafv2"), self.outputs())
        protection.apply(self.client("cloudformation"), self.name, is_on=False)
        for source in mappings.sources(self.outputs(), mappings.stream_of(dynamodb, self.prefix)):
            mappings.stop(self.client("lambda"), source)
        self.cloudformation().delete()
        for table in kept["AWS::DynamoDB::Table"]:
            with suppress(dynamodb.exceptions.ResourceNotFoundException):
                dynamodb.delete_table(TableName=table)
        s3 = self.client("s3")
        for bucket in kept["AWS::S3::Bucket"]:
            if any(found["Name"] == bucket for found in s3.list_buckets()["Buckets"]):
                s3.delete_bucket(Bucket=bucket)
        template_bucket.remove(self.session, self.environment)

    def _require_stack(self) -> None:
        if self.find() is not None:
            return
        pages = self.client("dynamodb").get_paginator("list_tables").paginate()
        start = f"{PROJECT}-{self.environment}-"
        left = [name for page in pages for name in page["TableNames"] if name.startswith(start)]
        remedy = f"; these tables are of none: {', '.join(left)}: aws dynamodb delete-table deletes one" if left else ""
        raise StackError(f"there is no stack {self.name} to delete{remedy}")

    def _empty(self, bucket: str) -> None:
        s3 = self.client("s3")
        if all(found["Name"] != bucket for found in s3.list_buckets()["Buckets"]):
            return  # somebody deleted it by hand
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            keys = [{"Key": found["Key"]} for found in page.get("Contents", [])]
            if keys:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})

    def find(self) -> dict[str, Any] | None:
        """The stack as CloudFormation describes it. None if there is none."""
        return self.cloudformation().find()

    def cloudformation(self) -> CloudFormation:
        """The stack, to be changed."""
        return CloudFormation(self.client("cloudformation"), self.name)

    def client(self, service: str) -> Any:
        """A client of an AWS service, in the region of the stack."""
        return self.session.create_client(service)


def _text(key: str, value: Any) -> str:
    """The value of a parameter. One that has several, such as SesIdentityArns, may be a list or have blanks in it."""
    if key.endswith("Arns"):
        parts = value if isinstance(value, list) else str(value).split(",")
        return ",".join(filter(None, (str(part).strip() for part in parts)))
    return str(value)


def main(arguments: list[str] | None = None) -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m infra.stack", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in {
        "apply": "create or update the stack",
        "outputs": "print the environment variables of a deployed process",
        "silence": "send no notification of any alarm, until the next deployment",
        "delete": "delete the stack AND ALL DATA of the environment",
    }.items():
        commands.add_parser(name, help=what).add_argument("environment")
    options = parser.parse_args(arguments)
    with in_one_line(options.environment):
        _run(options.command, options.environment)


def _require_no_function(stack: Stack) -> None:
    """Raise StackError for a function that is still there: it would go on without its data."""
    client = stack.client("lambda")
    for entry_point in ENTRY_POINTS:
        name = Stage(stack.environment, entry_point).function
        with suppress(client.exceptions.ResourceNotFoundException):
            client.get_function_configuration(FunctionName=name)
            raise StackError(
                f"the function {name} is still there, so nothing is deleted: why Zappa left it is said above"
            )


def _run(command: str, environment: str) -> None:
    session = session_of(environment)
    base, stack = settings(Stage(environment, "api").name), Stack(session, environment)
    if command == "delete":
        _require_no_function(stack)
        stack.delete()
        account_alarms.delete(session.create_client("cloudwatch"), environment)
        return
    if command == "silence" and stack.find() is None:
        sys.stdout.write(f"There is no stack {stack.name}, and so no alarm of it\n")
        account_alarms.delete(session.create_client("cloudwatch"), environment)
        return
    if command in ("apply", "silence"):
        wanted = parameters(environment)
        is_on = command == "apply" and alarms.are_wanted() and stack.parameter("Alarms") == "true"
        if command == "apply":
            settings_check.check(SETTINGS)
            alarms.require_somebody(environment, wanted)
            renaming.check(stack, SETTINGS)
        stack.apply({**wanted, "Alarms": "true" if is_on else "false"}, base.get("tags", {}))
        if not is_on:
            account_alarms.silence(session.create_client("cloudwatch"), environment)
    if command in ("apply", "outputs"):
        # The commands that need a secret need the keys that send; some publish notifications, which a worker does not.
        doors = [Stage(environment, "api"), Stage(environment, f"attempts_{Lane.NORMAL}")]
        made = [variables(door, stack.outputs(), worker_timeout_s(environment)) for door in doors]
        sys.stdout.writelines(lines(base, made[0] | made[1]))


if __name__ == "__main__":
    main()
