"""The hooks that Zappa calls. Zappa makes the functions and the API; the hooks add everything else that they need.

Zappa loads this file by its path, without the repository on Python's path. This file puts it there, so that it can
import the other modules of `infra`.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from app.settings import Settings  # noqa: E402 because of the path above
from infra import (  # noqa: E402 because of the path above
    account_alarms,
    alarms,
    concurrency,
    credentials,
    deployment,
    functions,
    gateway,
    interpreters,
    mappings,
    package,
    release,
    renaming,
    schedule,
    ses_reports,
    settings_check,
    target,
    waf,
)
from infra.cloudformation import StackError  # noqa: E402 because of the path above
from infra.commands import in_one_line  # noqa: E402 because of the path above
from infra.parameters import parameters  # noqa: E402 because of the path above
from infra.stack import Stack  # noqa: E402 because of the path above
from infra.stages import Stage, secret_names, settings, worker_timeout_s  # noqa: E402 because of the path above
from infra.variables import variables  # noqa: E402 because of the path above


def prepare(zappa: Any) -> None:
    """The hook `settings`: bring the stack up to date, and give its outputs to Zappa. `zappa` is Zappa's ZappaCLI.

    Zappa calls this for every command, but only `deploy`, `update` and `package` need it, and `undeploy`, which would
    leave the sweep's schedule behind.
    """
    with in_one_line(zappa.api_stage):  # here and below, because Zappa would show a traceback and an advertisement
        _prepare(zappa)


def _prepare(zappa: Any) -> None:
    if zappa.command == "undeploy" and Stage.of(zappa.api_stage).entry_point == "sweep":
        schedule.remove(zappa.zappa.boto_session.client("events"), Stage.of(zappa.api_stage))
    if zappa.command not in ("deploy", "update", "package"):
        return
    os.environ["VIRTUAL_ENV"] = str(_empty_environment())
    if zappa.command == "package":
        return  # `zappa package` needs no AWS account, so there is no stack
    stage = Stage.of(zappa.api_stage)
    file = _settings_file(zappa)
    settings_check.check(file)
    built_for = target.wanted(zappa.stage_config)
    base = settings(stage.environment, file)
    timeout_s = worker_timeout_s(stage.environment, file)
    credentials.check(
        zappa.zappa.boto_session.client("secretsmanager"),
        secret_names(stage.environment),
        zappa.aws_environment_variables,
        timeout_s,
    )
    wanted = parameters(stage.environment, file)
    alarms.require_somebody(stage.environment, wanted)
    zappa.lambda_concurrency = concurrency.reserve(
        zappa.zappa.boto_session.client("lambda"), stage, zappa.lambda_concurrency
    )
    stack = _stack(zappa, stage)
    renaming.check(stack, file)
    outputs = stack.apply({**wanted, "Alarms": _alarms(stack)}, base.get("tags", {}))
    secrets = zappa.zappa.boto_session.client("secretsmanager")
    code = package.digest_of_sources(package.LOCK, package.LOCK_WITH_TRACES)
    zappa.aws_environment_variables = {
        **variables(stage, outputs, timeout_s),
        **zappa.aws_environment_variables,
        deployment.VARIABLE: deployment.name(secrets, stage.environment, file, code),
    }
    run_on(zappa, built_for)
    zappa.s3_bucket_name = outputs["PackageBucket"]
    zappa.zappa.credentials_arn = outputs[f"{stage.lane or stage.entry_point.capitalize()}RoleArn"]
    if stage.lane:
        zappa.dead_letter_config = {"TargetArn": outputs["DeadLetterQueueArn"]}
    release.take_over(zappa)


def run_on(zappa: Any, built_for: target.Target) -> None:
    """Let Zappa make or update the function for what its package is built for, whatever the settings say."""
    zappa.runtime, zappa.zappa.architecture = built_for.runtime, built_for.architecture
    functions.update_architecture(zappa.zappa.lambda_client, built_for.architecture)


def pack(zappa: Any) -> None:
    """The hook `zip`: replace Zappa's package by ours, which also stays in dist/."""
    with in_one_line(zappa.api_stage):
        _pack(zappa)


def _pack(zappa: Any) -> None:
    wanted = target.wanted(zappa.stage_config)
    interpreter = interpreters.find(wanted.version)
    built = package.build(ROOT / "dist", wanted, interpreter, package.lock_for(zappa.aws_environment_variables))
    shutil.copyfile(built, ROOT / zappa.zip_path)
    bytecode = "" if interpreter else ", without bytecode"
    sys.stdout.write(f"Package {built.relative_to(ROOT)}, {built.stat().st_size / 1e6:.1f} MB{bytecode}\n")


def finish(zappa: Any) -> None:
    """The hook `post`: make the settings that Zappa cannot make or does not keep on update, and let it all go live.

    It may be repeated.
    """
    with in_one_line(zappa.api_stage):
        _finish(zappa)


def _finish(zappa: Any) -> None:
    stage = Stage.of(zappa.api_stage)
    outputs = _stack(zappa, stage).outputs()
    client = zappa.zappa.boto_session.client
    zappa.zappa.wait_until_lambda_function_is_updated(stage.function)
    if stage.lane:
        functions.keep_dead_letters(client("lambda"), stage, outputs["DeadLetterQueueArn"])
    name = zappa.aws_environment_variables[deployment.VARIABLE]
    release.release(client("lambda"), stage, name, zappa.stage_config, is_shifted=_is_shifted(zappa, stage))
    if stage.entry_point == "api":
        api_id = zappa.zappa.get_api_id(zappa.lambda_name)
        gateway.configure(client("apigateway"), api_id, stage, outputs, zappa.stage_config)
        waf.protect(client("wafv2"), api_id, stage, outputs)
        url = zappa.zappa.get_api_url(zappa.lambda_name, stage.name)
        sweep = Stage(stage.environment, "sweep")
        if configure_sweep(client("lambda"), sweep, url, zappa.aws_environment_variables):
            release.release(client("lambda"), sweep, name, settings(sweep.name, _settings_file(zappa)))
        if "SesTopicArn" in outputs:
            ses_reports.subscribe(client("sns"), outputs["SesTopicArn"], url, outputs["DeadLetterQueueArn"])
        switch_alarms(zappa, stage)
    elif stage.lane:
        functions.repeat(client("lambda"), stage)
        functions.subscribe(client("lambda"), client("sns"), stage, outputs)
        mappings.poll(client("lambda"), stage, outputs[f"{stage.lane}DelayQueueArn"], mappings.LANE)
    elif stage.entry_point == "deliveries":
        mappings.poll(client("lambda"), stage, outputs["NotificationsQueueArn"], mappings.NOTIFICATIONS)
    elif stage.entry_point == "changes":
        stream_arn = mappings.stream_of(client("dynamodb"), outputs["TablePrefix"])
        mappings.follow(client("lambda"), stage, stream_arn, outputs["DeadLetterQueueArn"])
    else:
        functions.never_repeat(client("lambda"), stage)
        schedule.apply(client("lambda"), client("events"), stage)


def configure_sweep(client: Any, sweep: Stage, url: str, configured: Mapping[str, str]) -> bool:
    """Give the sweep the API's URL, which is known last. API_URL in `configured` wins: every function has it then.

    Returns whether that changed anything.
    """
    return "API_URL" not in configured and functions.add_variable(client, sweep, "API_URL", url)


def switch_alarms(zappa: Any, stage: Stage) -> None:
    """Let the alarms tell somebody, now that everything is deployed. Raises StackError if the sweep does not run."""
    stack, cloudwatch, file = _stack(zappa, stage), zappa.zappa.boto_session.client("cloudwatch"), _settings_file(zappa)
    if alarms.are_wanted() and stack.parameter("Alarms") != "true":
        sys.stdout.write("Waiting for the sweep's first minutes, then alarms are switched on\n")
        if not alarms.wait_for_the_sweep(cloudwatch, stage.environment):
            raise StackError(
                "everything is deployed, but the sweep does not run, and so the alarms stay off: look at its log group"
                " and its rule in EventBridge, then `make deploy` again"
            )
        base = settings(stage.environment, file)
        stack.apply({**parameters(stage.environment, file), "Alarms": "true"}, base.get("tags", {}))
    account_alarms.apply(
        cloudwatch,
        stage.environment,
        Settings.from_env(zappa.stage_config.get("aws_environment_variables", {})).providers,
        stack.outputs()["TicketTopicArn"],
        is_on=alarms.are_wanted(),
    )


def _alarms(stack: Stack) -> str:
    """Alarms stay as they are while functions are deployed: before the first deployment, and after a removal, off."""
    return stack.parameter("Alarms") or "false" if alarms.are_wanted() else "false"


def _is_shifted(zappa: Any, stage: Stage) -> bool:
    """Whether CodeDeploy moves the alias. It does the API's only: what fails a worker is tried again, and told."""
    return stage.entry_point == "api" and parameters(stage.environment, _settings_file(zappa)).get("CodeDeploy") == "on"


def _stack(zappa: Any, stage: Stage) -> Stack:
    return Stack(zappa.zappa.boto_session._session, stage.environment)


def _settings_file(zappa: Any) -> Path:
    return Path(zappa.vargs.get("settings_file") or "zappa_settings.json").resolve()


def _empty_environment() -> Path:
    """A virtual environment without packages, so that Zappa copies none: `pack` replaces Zappa's package anyway."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    environment = ROOT / "build" / "empty"
    (environment / "lib" / version / "site-packages").mkdir(parents=True, exist_ok=True)
    return environment
