"""`python -m infra.next_step STAGE` prints what Zappa is to do with a stage: `deploy` or `update`.

Before that it checks the settings, and takes away what a deployment left behind that failed halfway: Zappa would not
deploy a function that is there, nor make the API of one that it updates.
"""

import sys
from typing import Any

from infra import alarms, renaming, settings_check
from infra.cloudformation import CloudFormation
from infra.commands import in_one_line, session_of
from infra.parameters import parameters
from infra.stack import Stack
from infra.stages import SETTINGS, Stage


def find(stage: Stage, client: Any, cloudformation: CloudFormation) -> str:
    """`deploy` or `update`. `client` is one of Lambda; `cloudformation` is the stack that Zappa makes of an API.

    Raises StackError if only somebody who looks at that stack can go on.
    """
    is_there = _has_function(client, stage.function)
    if stage.entry_point != "api":
        return "update" if is_there else "deploy"
    has_api = cloudformation.is_usable()
    if is_there and not has_api:
        sys.stderr.write(
            f"{stage.name} was deployed halfway: its function is deleted, and deployed again with its API\n"
        )
        client.delete_function(FunctionName=stage.function)
    return "update" if is_there and has_api else "deploy"


def _has_function(client: Any, name: str) -> bool:
    try:
        client.get_function_configuration(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        return False
    return True


def main() -> None:
    """Print the step for the stage that the first argument names."""
    stage = Stage.of(sys.argv[1])
    with in_one_line(stage.name):
        session = session_of(stage.environment)
        settings_check.check(SETTINGS)
        alarms.require_somebody(stage.environment, parameters(stage.environment))
        renaming.check(Stack(session, stage.environment), SETTINGS)
        stack = CloudFormation(session.create_client("cloudformation"), stage.function)
        sys.stdout.write(f"{find(stage, session.create_client('lambda'), stack)}\n")


if __name__ == "__main__":
    main()
