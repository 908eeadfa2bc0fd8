"""The Dockerfile, as far as it can be checked without an engine."""

import importlib
import json
import re

from infra import package
from infra.stages import ENTRY_POINTS, ROOT, Stage, settings

TEXT = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
LINES = [line.split(maxsplit=1) for line in TEXT.splitlines() if line and not line.startswith("#")]
VERSION = settings("production")["runtime"].removeprefix("python")
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()


def stages() -> dict[str, list[list[str]]]:
    """Target -> its instructions."""
    found: dict[str, list[list[str]]] = {}
    for line in LINES:
        if line[0] == "FROM":
            found[line[1].split(" AS ")[1]] = []
        elif found:
            found[list(found)[-1]].append(line)
    return found


def values(target: str, instruction: str) -> list[str]:
    return [text for name, text in stages()[target] if name == instruction]


def test_target_per_door_and_one_for_a_server() -> None:
    assert set(stages()) == {"function", "server", "api", "attempts", "deliveries", "changes", "sweep"}


def test_each_door_is_the_one_that_zappa_deploys() -> None:
    for stage in (Stage("production", entry_point) for entry_point in ENTRY_POINTS):
        name, target = stage.name, "attempts" if stage.lane else stage.entry_point
        (command,) = json.loads(values(target, "CMD")[0])
        assert command == settings(name)["lambda_handler"]
        module, _, function = command.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function))


def test_everything_copied_exists_and_is_not_ignored() -> None:
    for target in ("function", "server"):
        for text in values(target, "COPY"):
            source = text.split()[0]
            assert (ROOT / source).exists(), source
            assert f"!{source}" in IGNORED, source


def test_nothing_else_reaches_an_image() -> None:
    assert IGNORED[0] == "*"
    assert {"app/local", "app/admin"} <= set(IGNORED)


def test_same_lock_as_the_zip_with_hashes() -> None:
    assert any(str(package.LOCK.relative_to(ROOT)) in text for text in values("function", "COPY"))
    for target in ("function", "server"):
        (install,) = [text for text in values(target, "RUN") if "pip install" in text]
        assert "--no-deps --require-hashes" in install


def test_runs_as_nobody_on_the_runtime_of_the_settings() -> None:
    assert values("function", "USER") == values("server", "USER") == ["65534:65534"]
    arguments = dict(text.split("=", 1) for name, text in LINES if name == "ARG")
    assert arguments["LAMBDA"].endswith(f"/python:{VERSION}")
    assert arguments["PYTHON"] == f"python:{VERSION}-slim"


def test_images_are_built_for_lambda_as_it_takes_them() -> None:
    pages = [(ROOT / name).read_text() for name in ("Dockerfile", "docs/deploy.md")]
    lines = [line for page in pages for line in re.findall(r"docker build .*", page) if "--target server" not in line]
    assert len(lines) == 2
    platform = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}[settings("production")["architecture"]]
    assert all(f"--platform {platform} --provenance=false" in line for line in lines)
    assert all("linux/arm64" in page for page in pages), "what the setting arm64 means for images"
