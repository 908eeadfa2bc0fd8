"""Brings the tables of an environment back to a point in time, under other names, and lets its stack have them.

`python -m infra.restore tables ENVIRONMENT TABLE… --at TIME --prefix PREFIX` makes tables whose names begin with
PREFIX: the named ones as they were at TIME, all others as they are now. `python -m infra.restore adopt ENVIRONMENT
--prefix PREFIX` puts them into the stack in the place of those that it has, which stay as they are, outside of it. Each
may be repeated, and `adopt` goes back, too. docs/deploy.md says what to do before and after.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from app.errors import ConfigurationError
from infra import protection, template
from infra.cloudformation import StackError
from infra.commands import in_one_line, session_of
from infra.lock import held, whoever
from infra.parameters import parameters
from infra.restored_tables import Restoration
from infra.stack import Stack
from infra.stages import PROJECT, settings


def tables(stack: Stack, prefix: str, at: datetime, named: list[str]) -> None:
    """Make the tables, and wait until they have every setting of those that they are made of.

    Raises ConfigurationError naming a table that there is not, or a prefix or time that cannot be meant.
    """
    _require_prefix(stack, prefix)
    every = template.tables().values()
    if unknown := sorted(set(named) - set(every)):
        raise ConfigurationError(f"there is no table {unknown[0]}: say {', '.join(every)}")
    if at.tzinfo is None:
        raise ConfigurationError("--at: needs a time zone, such as 2026-11-30T09:00:00Z")
    if prefix == stack.prefix:
        raise ConfigurationError(f"--prefix: {prefix} is that of the tables that there are; say another one")
    client = stack.client("dynamodb")
    made = {name: Restoration(client, stack.prefix + name, prefix + name) for name in every}
    for name, restoration in made.items():
        restoration.begin(at if name in named else None)
    for restoration in made.values():
        restoration.end()


def adopt(stack: Stack, prefix: str, wanted: dict[str, Any], tags: dict[str, str]) -> list[str]:
    """Let the stack have the tables whose names begin with `prefix`. Returns in what they differ from the template.

    `wanted` are the parameters of the stack. Raises StackError if a table is missing.
    """
    _require_prefix(stack, prefix)
    _require_tables(stack, prefix)
    named, client = template.tables(), stack.client("cloudformation")
    found = client.describe_stack_resources(StackName=stack.name)["StackResources"]
    has_tables = bool(named.keys() & {one["LogicalResourceId"] for one in found})
    if prefix != stack.prefix or not has_tables:
        released = stack.request(wanted, tags, stack.url_of(template.detached(with_tables=False)), prefix)
        stack.cloudformation().apply({**released, "StackPolicyDuringUpdateBody": protection.ANYTHING}, released)
        resources = [
            {
                "ResourceType": "AWS::DynamoDB::Table",
                "LogicalResourceId": logical,
                "ResourceIdentifier": {"TableName": prefix + name},
            }
            for logical, name in named.items()
        ]
        attached = {**released, "TemplateURL": stack.url_of(template.detached(with_tables=True))}
        stack.cloudformation().adopt(attached, resources)
    stack.apply(wanted, tags)
    return list(_differences(client, stack.name, list(named)))


def _differences(client: Any, stack: str, resources: list[str]) -> Iterator[str]:
    """What CloudFormation finds different. It changes only what changes in the template, and would never mend it."""
    for name in resources:
        found = client.detect_stack_resource_drift(StackName=stack, LogicalResourceId=name)["StackResourceDrift"]
        for one in found.get("PropertyDifferences", ()):
            path, is_now, wanted = (one[key] for key in ("PropertyPath", "ActualValue", "ExpectedValue"))
            yield f"{found['PhysicalResourceId']}: {path} is {is_now}, should be {wanted}"


def _require_prefix(stack: Stack, prefix: str) -> None:
    start = f"{PROJECT}-{stack.environment}-"
    if not re.fullmatch(rf"{start}([a-z0-9-]+-)?", prefix):
        raise ConfigurationError(f"--prefix: must begin with {start} and end with -, such as {start}restored-")


def _require_tables(stack: Stack, prefix: str) -> None:
    client = stack.client("dynamodb")
    for name in template.tables().values():
        try:
            client.describe_table(TableName=prefix + name)
        except client.exceptions.ResourceNotFoundException:
            raise StackError(
                f"there is no table {prefix}{name}: make it first, with python -m infra.restore tables"
            ) from None


def main(arguments: list[str] | None = None) -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m infra.restore", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("tables", help="make tables of the present ones, as they were at a time")
    adopting = commands.add_parser("adopt", help="put such tables into the stack, in the place of the present ones")
    for command in (making, adopting):
        command.add_argument("environment")
        command.add_argument("--prefix", required=True, help="what the names of the tables begin with")
    making.add_argument("named", nargs="+", metavar="TABLE", help=", ".join(template.tables().values()))
    making.add_argument("--at", required=True, type=datetime.fromisoformat, help="such as 2026-11-30T09:00:00Z")
    options = parser.parse_args(arguments)
    with in_one_line(options.environment):
        _run(options)


def _run(options: argparse.Namespace) -> None:
    stack = Stack(session_of(options.environment), options.environment)
    if options.command == "tables":
        stack.outputs()  # says so if there is no stack
        tables(stack, options.prefix, options.at, options.named)
        return
    with held(stack.client("ssm"), options.environment, whoever()):  # a deployment meanwhile would fail at the tables
        stack.outputs()
        wanted = {**parameters(options.environment), "Alarms": stack.parameter("Alarms")}
        differences = adopt(stack, options.prefix, wanted, settings(options.environment).get("tags", {}))
    sys.stdout.writelines(f"{line}\n" for line in differences)
    sys.stdout.write(f"The stack has the tables {options.prefix}…; make deploy lets the functions use them\n")


if __name__ == "__main__":
    main()
