"""`python -m infra.package`: one zip for all three functions, built from the lock and the sources alone.

The same commit gives the same bytes: sorted names, one date, no file that depends on the machine. Bytecode is in it,
which halves the cold start; it is of the unchecked kind, because a zip's dates mean nothing. Libraries come as bytecode
alone, a third smaller; our own sources stay beside theirs, so that a traceback shows our lines.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from infra.stages import ROOT

LOCK = ROOT / "requirements" / "runtime.txt"
BUILD = ROOT / "build"
PYTHON = "3.11"
# python3.11 on Lambda has glibc 2.26; without a platform pip takes wheels for the machine that it runs on.
PLATFORM = "manylinux2014_x86_64"
SOURCES = ("app", "workers")
OURS_UNUSED = ("app/local/", "app/admin/")
# Large parts of libraries that nothing of ours imports; tests/infra/test_package.py runs every door without them.
UNUSED = (
    "bin/",
    "aws_lambda_powertools/event_handler/",
    "botocore/cacert.pem",  # certifi's is there, and httpx needs that one
    "cffi/",  # compiles C; cryptography needs only its _cffi_backend
    "dateutil/zoneinfo/",
    "dns/",  # looks up mail servers, which email-validator is told not to do
    "pycparser/",
)
# The descriptions of the AWS services that are called; botocore has 400 others, 20 MB of them.
SERVICES = ("dynamodb", "s3", "secretsmanager", "sns")
# What pip writes about an installation: never read again, and not the same on every machine.
RECORDS = ("RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json")
DATE = (1980, 1, 1, 0, 0, 0)


def build(folder: Path) -> Path:
    """The package of this state of the sources, in `folder`, named by what it is made of; made if it is not there.

    Needs the package index once per lock.
    """
    if sys.version_info[:2] != tuple(map(int, PYTHON.split("."))):
        raise RuntimeError(f"the package must be built by Python {PYTHON}, whose bytecode it holds")
    package = folder / f"emailsminder-{_fingerprint()}.zip"
    if not package.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = package.with_suffix(".draft")
        _write(draft, BUILD / "package")
        draft.rename(package)
    return package


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path, name in sorted([*_sources(), (LOCK, "lock"), (Path(__file__), "builder")], key=lambda source: source[1]):
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:12]


def _write(target: Path, tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    _copy(_installed(_install()), tree)
    _compile(tree, tree, "-b")
    for source in tree.rglob("*.py"):
        source.unlink()
    _copy(_sources(), tree)
    for name in SOURCES:
        _compile(tree / name, tree)
    with ZipFile(target, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()):
            entry = ZipInfo(name, DATE)
            entry.external_attr = 0o644 << 16
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, (tree / name).read_bytes())


def _install() -> Path:
    """The runtime's packages, installed for Lambda and kept until the lock or the platform changes."""
    mark = hashlib.sha256(LOCK.read_bytes() + PLATFORM.encode()).hexdigest()[:16]
    place = BUILD / f"runtime-{mark}"
    if place.exists():
        return place
    draft = BUILD / f"runtime-{mark}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--implementation", "cp", "--python-version", PYTHON, "--platform", PLATFORM]
    command += ["--target", str(draft), "--requirement", str(LOCK)]
    subprocess.run(command, check=True)  # noqa: S603 because the arguments are our own
    return draft.rename(place)


def _installed(place: Path) -> Iterator[tuple[Path, str]]:
    for path in place.rglob("*"):
        name = path.relative_to(place).as_posix()
        if path.is_file() and not name.startswith(UNUSED) and _is_needed(name):
            yield path, name


def _is_needed(name: str) -> bool:
    folder, *inside = name.split("/")
    if folder.endswith(".dist-info"):
        return inside[0] not in RECORDS
    if name.startswith("botocore/data/") and len(inside) > 2:
        return inside[1] in SERVICES
    return True


def _sources() -> Iterator[tuple[Path, str]]:
    for source in SOURCES:
        for path in (ROOT / source).rglob("*"):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and "__pycache__" not in path.parts and not name.startswith(OURS_UNUSED):
                yield path, name


def _copy(files: Iterator[tuple[Path, str]], tree: Path) -> None:
    for source, name in files:
        place = tree / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)


def _compile(folder: Path, tree: Path, *options: str) -> None:
    # In a process of its own, with nothing loaded: what bytecode looks like depends on what else is in memory.
    command = [sys.executable, "-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    command += [*options, "-s", str(tree), str(folder)]
    subprocess.run(command, check=True)  # noqa: S603 because the arguments are our own


def main() -> None:
    """Build the package and say what it is."""
    package = build(ROOT / "dist")
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    sys.stdout.write(f"{package.relative_to(ROOT)}: {package.stat().st_size / 1e6:.1f} MB, sha256 {digest}\n")


if __name__ == "__main__":
    main()
