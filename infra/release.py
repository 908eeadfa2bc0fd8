"""Makes what Zappa put into a function live: publishes it as a version, and moves the alias there."""

import json
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from infra import provisioned, versions
from infra.stages import Stage

KEEP: Final = 10  # deployments, unless `num_retained_versions` says another number


def take_over(zappa: Any) -> None:
    """Keep Zappa from publishing, moving and deleting versions. `zappa` is Zappa's ZappaCLI.

    It would publish before it writes the configuration, so that a version has new code and old settings; its own
    aliases would point at those; and its pruning fails at the version that is live after a rollback.
    """
    core = zappa.zappa
    create = partial(core.create_lambda_function, publish=False)

    def create_with_alias(*arguments: Any, **options: Any) -> Any:
        made = create(*arguments, **options)
        versions.require_alias(core.lambda_client, zappa.lambda_name)  # what calls it is made next
        return made

    core.create_lambda_function = create_with_alias
    core.update_lambda_function = partial(core.update_lambda_function, publish=False)
    zappa.num_retained_versions = None
    zappa.apigateway_lambda_qualifier = versions.ALIAS
    zappa.snap_start = "None"
    zappa.provisioned_concurrency = None
    if zappa.command == "update":
        versions.require_alias(core.lambda_client, zappa.lambda_name)


def release(
    client: Any, stage: Stage, deployment: str, settings: Mapping[str, Any], *, is_shifted: bool = False
) -> None:
    """Publish what is in the function of `stage`, and let everything call it. It may be repeated.

    `client` is one of Lambda. With `is_shifted`, the alias stays where it is if a version is live, and the command that
    lets CodeDeploy move it is printed. Raises VersionError; what was live then stays live.
    """
    function, wanted = stage.function, settings.get("provisioned_concurrency") or 0
    _set_snap_start(client, function, settings.get("snap_start") or "None")
    api = Stage(stage.environment, "api").function
    number = versions.publish(client, function, deployment, versions.live(client, api))
    before = versions.live_number(client, function)
    if is_shifted and before.isdigit() and before != number:
        if wanted:
            provisioned.prepare(client, function, number, wanted)
        sys.stdout.write(f"Version {number} of {function} is published, {before} is live. To shift:\n")
        sys.stdout.write(f"{shift_command(stage, before, number, settings['aws_region'])}\n")
    else:
        provisioned.move(client, function, number, wanted)
    try:
        now = versions.live(client, api)
        needed = {now.deployment, now.after} if now else set()
        versions.prune(client, function, settings.get("num_retained_versions") or KEEP, needed)
    except ClientError as error:  # it is live, and whoever deploys may have no right to delete
        sys.stdout.write(f"Old versions of {function} stay, and take up storage: {error}\n")


def shift_command(stage: Stage, before: str, number: str, region: str) -> str:
    """The command with which CodeDeploy moves the alias, as the stack's deployment group says: a part, then all.

    Form of the revision: "AppSpec File example for an AWS Lambda deployment", CodeDeploy User Guide, read 2026-11-30.
    """
    properties = {
        "Name": stage.function,
        "Alias": versions.ALIAS,
        "CurrentVersion": before,
        "TargetVersion": number,
    }
    content = {"version": 0.0, "Resources": [{"api": {"Type": "AWS::Lambda::Function", "Properties": properties}}]}
    revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(content)}}
    return (
        f"aws deploy create-deployment --region {region} --application-name {stage.function}"
        f" --deployment-group-name {stage.function} --revision '{json.dumps(revision)}'"
    )


def _set_snap_start(client: Any, function: str, wanted: str) -> None:
    """A version that is published has a snapshot if its function says so. Zappa would make an alias of its own."""
    versions.wait_until_updated(client, function)
    found = client.get_function_configuration(FunctionName=function).get("SnapStart", {}).get("ApplyOn", "None")
    if found != wanted:
        client.update_function_configuration(FunctionName=function, SnapStart={"ApplyOn": wanted})
