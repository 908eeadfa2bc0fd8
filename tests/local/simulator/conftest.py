"""One simulator per test module."""

from collections.abc import Iterator

import pytest

from tests.local.simulator.rig import Rig


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A running simulator whose providers behave well; a test that changes that changes it back."""
    with Rig(tmp_path_factory.mktemp("keys")) as rig:
        yield rig
