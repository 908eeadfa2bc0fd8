"""Expected mistakes at the commands, each told in one line that names what to do, and none by a traceback."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import NoCredentialsError

from infra import hooks, lock, next_step, restore, rollback, stack
from infra.smoke import __main__ as smoke

PREFIX = "emailsminder-nowhere-r1-"


def with_arguments(main: Callable[[], None]) -> Callable[[list[str]], None]:
    """A command that reads its arguments from the process."""

    def run(arguments: list[str]) -> None:
        sys.argv = ["command", *arguments]
        main()

    return run


COMMANDS: dict[str, tuple[Callable[[list[str]], None], list[str]]] = {
    "rollback": (rollback.main, ["{}"]),
    "versions": (rollback.main, ["{}", "--list"]),
    "outputs": (stack.main, ["outputs", "{}"]),
    "apply": (stack.main, ["apply", "{}"]),
    "silence": (stack.main, ["silence", "{}"]),
    "delete": (stack.main, ["delete", "{}"]),
    "tables": (restore.main, ["tables", "{}", "emails", "--prefix", PREFIX, "--at", "2026-11-30T09:00:00Z"]),
    "adopt": (restore.main, ["adopt", "{}", "--prefix", PREFIX]),
    "hold": (with_arguments(lock.main), ["hold", "{}", "true"]),
    "release": (with_arguments(lock.main), ["release", "{}"]),
    "next step": (with_arguments(next_step.main), ["{}"]),
}
each = pytest.mark.parametrize("command", COMMANDS)


def run(command: str, environment: str) -> None:
    main, arguments = COMMANDS[command]
    main([one.format(environment) for one in arguments])


@pytest.fixture(autouse=True)
def _nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALARMS", "off")
    monkeypatch.setattr(sys, "argv", sys.argv)


@each
def test_an_environment_that_there_is_not_is_told_with_those_that_there_are(command: str) -> None:
    with pytest.raises(
        SystemExit, match=r"^nowhere: there is no such environment in zappa_settings\.json, only production, "
    ):
        run(command, "nowhere")


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "next step"])
def test_a_stage_is_no_environment(command: str) -> None:
    """`make deploy STAGE=dev_attempts` would look for dev_attempts_attempts, and `make rollback` for its aliases."""
    with pytest.raises(SystemExit, match=r"^dev_attempts: there is no such environment in zappa_settings\.json, only "):
        run(command, "dev_attempts")


@each
def test_without_credentials_there_is_no_traceback(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SystemExit, match=r"^dev: Unable to locate credentials$"):
        run(command, "dev")


def test_the_smoke_test_of_a_typo_is_told_so() -> None:
    with pytest.raises(SystemExit, match=r"^nowhere: there is no such environment in zappa_settings\.json, only prod"):
        smoke.main(["nowhere"])


@pytest.mark.parametrize("hook", [hooks.prepare, hooks.pack, hooks.finish])
def test_an_expected_failure_of_a_hook_ends_zappa_without_a_traceback(hook: Callable[[object], None]) -> None:
    """Zappa 0.63.0 shows one for every exception but SystemExit and click's (zappa/cli.py, `handle`)."""

    def fail(*_: object, **__: object) -> None:
        raise NoCredentialsError

    class Failing(SimpleNamespace):
        """A ZappaCLI without credentials, wherever it is asked."""

        @property
        def stage_config(self) -> None:
            fail()

        @property
        def zappa(self) -> SimpleNamespace:
            return SimpleNamespace(
                boto_session=SimpleNamespace(client=fail, _session=SimpleNamespace(create_client=fail))
            )

    with pytest.raises(SystemExit, match=r"^dev_sweep: Unable to locate credentials$"):
        hook(Failing(command="undeploy", api_stage="dev_sweep"))
