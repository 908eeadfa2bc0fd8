"""The locks: complete, with hashes and no addresses, and installed without resolving anything."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from infra.stages import ROOT

REQUIREMENTS = ROOT / "requirements"
PINS = re.compile(r"^(?P<pin>[^ ]+==[^ ]+)(?P<marker> ; .+?)? \\$", re.MULTILINE)
# What an environment made from a lock has besides it: the installer itself.
INSTALLERS = {"pip", "setuptools"}


def pins(name: str) -> dict[str, Requirement]:
    """The pinned packages of a lock that apply to this interpreter, by their normalised names."""
    text = (REQUIREMENTS / name).read_text()
    found = [Requirement(match["pin"] + (match["marker"] or "")) for match in PINS.finditer(text)]
    environment = {name: str(value) for name, value in default_environment().items()}
    return {normal(each.name): each for each in found if each.marker is None or each.marker.evaluate(environment)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_an_installed_package_finds_everything_that_it_requires_in_its_lock() -> None:
    locked = pins("dev.txt")
    for name in locked:
        try:
            required = distribution(name).requires or []
        except PackageNotFoundError:
            pytest.fail(f"{name} is locked but not installed: make this environment anew")
        for text in required:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert normal(requirement.name) in locked.keys() | INSTALLERS, f"{name} requires {text}"


@pytest.mark.parametrize(
    "path", ["Makefile", "deploy.mk", "Dockerfile", "infra/package.py", "bench/peers/__init__.py", ".ci/run"]
)
def test_whatever_installs_from_the_index_resolves_nothing(path: str) -> None:
    text = (ROOT / path).read_text()
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    for number, line in enumerate(lines):
        if re.search(r'pip install|"pip", "install"', line) and "ensure" not in line:
            command = " ".join(lines[number : number + 3])
            assert "--no-deps" in command, line
            assert "--require-hashes" in command, line


def test_every_library_that_is_declared_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = {
        "runtime.txt": project["dependencies"],
        "local.txt": project["dependencies"] + extras["local"],
        "tracing.txt": project["dependencies"] + extras["tracing"],
        "dev.txt": project["dependencies"] + extras["local"] + extras["tracing"] + extras["dev"],
        "browser.txt": project["dependencies"] + extras["local"] + extras["dev"] + extras["browser"],
    }
    for name, requirements in declared.items():
        assert {normal(Requirement(text).name) for text in requirements} <= pins(name).keys(), name


def test_the_package_has_the_same_libraries_whatever_builds_it() -> None:
    """pip takes wheels for the version and platform that it is given, but judges markers by the Python that runs it."""
    builders = [
        {"python_version": version, "python_full_version": f"{version}.0", "sys_platform": platform, **machine}
        for version in ("3.11", "3.12", "3.13", "3.14")
        for platform, machine in (
            ("linux", {"platform_system": "Linux", "platform_machine": "x86_64"}),
            ("darwin", {"platform_system": "Darwin", "platform_machine": "arm64"}),
        )
    ]
    markers = [requirement.marker for requirement in pins("runtime.txt").values() if requirement.marker]
    assert markers
    for marker in markers:
        assert len({marker.evaluate(builder) for builder in builders}) == 1, marker


@pytest.mark.parametrize("only_local", ["aiohttp", "jinja2", "typer", "uvicorn"])
def test_what_only_a_laptop_needs_is_not_deployed(only_local: str) -> None:
    assert only_local in pins("local.txt")
    assert only_local not in pins("runtime.txt")


def test_traces_are_deployed_only_if_somebody_asks_for_them_and_then_with_the_same_libraries() -> None:
    with_traces, without = pins("tracing.txt"), pins("runtime.txt")
    assert {name: str(with_traces[name]) for name in without} == {name: str(pin) for name, pin in without.items()}
    assert {"opentelemetry-sdk", "protobuf", "requests"} <= with_traces.keys() - without.keys()
    shared = pins("local.txt")
    assert {name: str(shared[name]) for name in shared.keys() & with_traces.keys()} == {
        name: str(with_traces[name]) for name in shared.keys() & with_traces.keys()
    }
