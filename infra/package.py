"""`python -m infra.package STAGE`: one zip for all functions, built from the lock and the sources alone.

It is built for the runtime and the architecture of the stage, by any Python on any machine. The same commit gives the
same bytes, if the same release of Python compiles them: names are sorted, and all files have one date. The package
contains bytecode, because compiling more than doubles the time of a cold start. Python does not check the bytecode
against the sources, because the dates in a zip mean nothing. Of libraries only the bytecode is packed, which makes the
package a quarter smaller. Our own sources are packed too, so that a traceback shows our lines. Where no interpreter of
the runtime's version is at hand, there is no bytecode, and the libraries are packed as sources.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from app import trace_settings
from app.errors import ConfigurationError
from infra import interpreters, settings_check
from infra.interpreters import Interpreter
from infra.stages import ROOT, SETTINGS, settings
from infra.target import Target, wanted

LOCK = ROOT / "requirements" / "runtime.txt"
LOCK_WITH_TRACES = ROOT / "requirements" / "tracing.txt"
BUILD = ROOT / "build"
SOURCES = ("app", "workers")
OURS_UNUSED = ("app/local/", "app/admin/")
# Large parts of libraries that we do not use. tests/deploy/test_0_package.py runs each entry point without them.
UNUSED = (
    "bin/",
    "aws_lambda_powertools/event_handler/",
    "botocore/cacert.pem",  # certifi has the same certificates, and httpx needs certifi
    "cffi/",  # a compiler for C; cryptography needs only _cffi_backend, which is beside it
    "dateutil/zoneinfo/",
    "dns/",  # for the look-up of mail servers, which is switched off in email-validator
    "publicsuffixlist/test",  # its tests, and the cases for them
    "publicsuffixlist/update",  # fetches a newer list
    "pycparser/",
)
# The AWS services that we call. Of botocore's descriptions, only theirs are packed; the 400 others have 20 MB.
SERVICES = ("dynamodb", "s3", "secretsmanager", "sns", "sqs")
# Files in which pip describes an installation. They are never read, and differ between machines.
RECORDS = ("RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json")
DATE = (1980, 1, 1, 0, 0, 0)


class PackageError(Exception):
    """The package cannot be built. The message says why."""


def lock_for(variables: Mapping[str, str]) -> Path:
    """The lock of the libraries that such functions need. Variables that name a collector ask for OpenTelemetry."""
    return LOCK_WITH_TRACES if trace_settings.endpoint(variables) else LOCK


def build(folder: Path, target: Target, interpreter: Interpreter | None, lock: Path = LOCK) -> Path:
    """Build the package of the present sources in `folder`, unless it exists already. Returns its path.

    `interpreter` compiles it; None: it goes without bytecode. Its name has a fingerprint of the sources, the lock, the
    target and the interpreter's release. The libraries are downloaded once for each lock and target.
    """
    package = folder / f"emailsminder-{_fingerprint(target, interpreter, lock)}.zip"
    if not package.exists():
        folder.mkdir(parents=True, exist_ok=True)
        libraries = _install(target, lock)
        # A place of its own, because two environments may be deployed at once from here.
        with TemporaryDirectory(prefix="draft-", dir=folder) as directory:
            draft = Path(directory) / "zip"
            _write(draft, Path(directory) / "tree", libraries, interpreter)
            draft.rename(package)
    return package


def digest_of_sources(*locks: Path) -> str:
    """A digest of all that packages are built from with these locks, whatever they are built for."""
    digest = hashlib.sha256()
    files = [*_sources(), *((lock, f"lock {lock.name}") for lock in locks), (Path(__file__), "builder")]
    for path, name in sorted(files, key=lambda source: source[1]):
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _fingerprint(target: Target, interpreter: Interpreter | None, lock: Path) -> str:
    release = interpreter.release if interpreter else "no bytecode"
    made_of = f"{target.runtime} {target.architecture} {release} {digest_of_sources(lock)}"
    return hashlib.sha256(made_of.encode()).hexdigest()[:12]


def _write(package: Path, tree: Path, libraries: Path, interpreter: Interpreter | None) -> None:
    _copy(_installed(libraries), tree)
    if interpreter:
        _compile(interpreter, tree, tree, "-b")
        for source in tree.rglob("*.py"):
            source.unlink()
    _copy(_sources(), tree)
    if interpreter:
        for name in SOURCES:
            _compile(interpreter, tree / name, tree)
    with ZipFile(package, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()):
            entry = ZipInfo(name, DATE)
            entry.external_attr = 0o644 << 16
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, (tree / name).read_bytes())


def _install(target: Target, lock: Path) -> Path:
    """The folder with the libraries, installed for Lambda. It is kept until the lock or the target changes."""
    mark = hashlib.sha256(lock.read_bytes() + f"{target.version} {target.platform}".encode()).hexdigest()[:16]
    directory = BUILD / f"runtime-{mark}"
    if directory.exists():
        return directory
    BUILD.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="draft-", dir=BUILD) as draft:
        _pip(target, lock, Path(draft) / "libraries")
        with suppress(OSError):  # somebody else was faster
            (Path(draft) / "libraries").rename(directory)
    return directory


def _pip(target: Target, lock: Path, directory: Path) -> None:
    # Without version and platform, pip takes wheels for the Python and the machine on which it runs.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--implementation", "cp", "--python-version", target.version, "--platform", target.platform]
    command += ["--target", str(directory), "--requirement", str(lock)]
    if subprocess.run(command, check=False).returncode:  # noqa: S603 because the arguments are our own
        raise PackageError(
            f"the libraries of {lock.name} cannot be installed for {target.runtime} on {target.architecture}: pip says"
            " why above; without a network nothing can be packed for the first time"
        )


def _installed(directory: Path) -> Iterator[tuple[Path, str]]:
    for path in directory.rglob("*"):
        name = path.relative_to(directory).as_posix()
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
        directory = tree / name
        directory.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, directory)


def _compile(interpreter: Interpreter, folder: Path, tree: Path, *options: str) -> None:
    # This runs in a new process without site packages, because bytecode depends on which objects are in memory.
    command = [str(interpreter.path), "-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    command += [*options, "-s", str(tree), str(folder)]
    subprocess.run(command, check=True)  # noqa: S603 because the arguments are our own


def main(arguments: Sequence[str] = sys.argv[1:]) -> None:
    """Build the package of a stage, and print its path, size, target and digest. Warn if it has no bytecode."""
    (stage,) = arguments
    try:
        settings_check.check(SETTINGS)
        found = settings(stage)
        target = wanted(found)
    except ConfigurationError as error:
        sys.exit(f"{stage}: {error}")
    interpreter = interpreters.find(target.version)
    try:
        package = build(ROOT / "dist", target, interpreter, lock_for(found.get("aws_environment_variables", {})))
    except (PackageError, ConfigurationError) as error:
        sys.exit(f"{stage}: {error}")
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    size = f"{package.stat().st_size / 1e6:.1f} MB"
    sys.stdout.write(
        f"{package.relative_to(ROOT)}: {size}, for {target.runtime} on {target.architecture}, sha256 {digest}\n"
    )
    if interpreter is None:
        sys.stderr.write(
            f"Warning: the package has no bytecode, because there is no Python {target.version} here to compile it."
            " A function takes more than twice as long to start. To get one, and then `make deploy` again:"
            f" {interpreters.remedy(target.version)}\n"
        )


if __name__ == "__main__":
    main()
