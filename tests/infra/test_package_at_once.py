"""Two packages that are built at once from one clone, and one that cannot be built."""

from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra import package
from infra.package import PackageError
from infra.target import Target

TARGET = Target("python3.13", "x86_64")


def names(path: Path) -> set[str]:
    with ZipFile(path) as found:
        return set(found.namelist())


def test_two_environments_may_be_packed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second begins, and ends, while the first is copied. A package with a part missing would stay in dist/."""
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    (libraries / "library.py").touch()
    monkeypatch.setattr(package, "BUILD", tmp_path / "build")
    monkeypatch.setattr(package, "_install", lambda *_: libraries)
    built: list[Path] = []
    copy = package._copy

    def copy_and_let_another_begin(files: Iterator[tuple[Path, str]], tree: Path) -> None:
        copy(files, tree)
        if not built:
            built.append(tmp_path)
            built.append(package.build(tmp_path, Target("python3.14", "arm64"), None))

    monkeypatch.setattr(package, "_copy", copy_and_let_another_begin)
    first = package.build(tmp_path, TARGET, None)
    assert {"library.py", "app/main.py"} <= names(first)
    assert names(first) == names(built[1])
    assert {path.suffix for path in tmp_path.iterdir() if path != libraries} == {".zip"}, "no draft is left"


def test_a_library_that_cannot_be_installed_is_told_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("no library!\n")  # which pip refuses before it asks anybody
    monkeypatch.setattr(package, "BUILD", tmp_path / "build")
    with pytest.raises(
        PackageError, match=r"^the libraries of lock.txt cannot be installed for python3.13 on x86_64: "
    ):
        package.build(tmp_path / "dist", TARGET, None, lock)
    assert list((tmp_path / "build").iterdir()) == []
