"""The package holds OpenTelemetry if the variables of a function name a collector, and not otherwise."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from infra import hooks, package
from infra.interpreters import Interpreter
from infra.target import Target

COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}


@pytest.mark.parametrize(
    ("variables", "lock"),
    [
        ({}, "runtime.txt"),
        ({"OTEL_SERVICE_NAME": "mail"}, "runtime.txt"),
        (COLLECTOR, "tracing.txt"),
        (COLLECTOR | {"OTEL_SDK_DISABLED": "true"}, "runtime.txt"),
    ],
)
def test_the_hook_packs_what_the_variables_ask_for(
    variables: dict[str, str], lock: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def build(folder: Path, _: Target, __: Interpreter | None, lock: Path) -> Path:
        asked.append(lock)
        built = folder / "built.zip"
        built.parent.mkdir(exist_ok=True)
        built.write_bytes(b"zip")
        return built

    monkeypatch.setattr(hooks, "ROOT", tmp_path)
    monkeypatch.setattr(package, "build", build)  # which would download what the lock names
    zappa = SimpleNamespace(
        api_stage="dev",
        aws_environment_variables=variables,
        zip_path="zappa.zip",
        stage_config={"runtime": "python3.13"},
    )
    hooks.pack(zappa)
    assert [path.name for path in asked] == [lock]
    assert (tmp_path / "zappa.zip").read_bytes() == b"zip"


def test_a_package_of_another_lock_has_another_name() -> None:
    target = Target("python3.13", "x86_64")
    plain, traced = (package._fingerprint(target, None, lock) for lock in (package.LOCK, package.LOCK_WITH_TRACES))
    assert plain != traced
