"""The package holds OpenTelemetry if the variables of a function name a collector, and not otherwise."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from infra import hooks, package

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

    def build(folder: Path, lock: Path) -> Path:
        asked.append(lock)
        built = folder / "built.zip"
        built.parent.mkdir(exist_ok=True)
        built.write_bytes(b"zip")
        return built

    monkeypatch.setattr(hooks, "ROOT", tmp_path)
    monkeypatch.setattr(package, "build", build)  # which would download what the lock names
    hooks.pack(SimpleNamespace(aws_environment_variables=variables, zip_path="zappa.zip"))
    assert [path.name for path in asked] == [lock]
    assert (tmp_path / "zappa.zip").read_bytes() == b"zip"


def test_a_package_of_another_lock_has_another_name() -> None:
    assert package._fingerprint(package.LOCK) != package._fingerprint(package.LOCK_WITH_TRACES)
