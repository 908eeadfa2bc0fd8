"""What an installation keeps is for its owner only, and its logs tell nobody's address."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.support.installation import Installation

ADDRESS = "nobodys-business@example.net"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Installation]:
    """An installation of a terminal that lets everybody read and write what it makes."""
    installation = Installation(tmp_path, (free_port(), free_port(), free_port()), {}, umask=0)
    installation.start()
    yield installation
    installation.close()


@pytest.mark.full
def test_every_file_is_for_its_owner_only_whatever_the_umask(own: Installation) -> None:
    def use() -> None:
        """Leave something in every kind of file."""
        for how in ("none", "accept_then_bounce"):
            own.fault("sendgrid", how)
            own.ended(own.send(to=[ADDRESS]))
            own.lift(ADDRESS)
        own.fault("sendgrid")
        # Hex of a counter's squares: text that does not compress to what a table takes.
        text = "".join(f"{n * n * 2654435761 % 2**32:08x}" for n in range(100_000))
        own.send(text=text)
        own.until("stored", lambda: any(path.is_file() for path in (own.data / "emulator" / "s3").rglob("*")), 30)

    use()
    assert open_to_others(own.data) == {}
    (own.data / "inbox").chmod(0o755)  # as a copy may have it
    assert own.restart() == 0
    use()
    assert open_to_others(own.data) == {}
    kinds = {path.relative_to(own.data).parts[0] for path in own.data.rglob("*") if not path.is_dir()}
    assert kinds >= {"emulator", "simulator", "inbox", "webhooks", "worker.socket", "lock", "status.json"}
    assert stat.S_ISSOCK((own.data / "worker.socket").stat().st_mode)


def test_no_log_has_an_address_or_a_path(own: Installation) -> None:
    own.ended(own.send(to=[ADDRESS]))
    own.api.get("/v1/emails", params={"recipient": ADDRESS}).raise_for_status()
    own.api.get("/v1/suppressions", params={"address": ADDRESS}).raise_for_status()
    assert own.api.get(f"/v1/suppressions/{ADDRESS}").status_code == 404
    own.control.get("/", params={"q": ADDRESS}).raise_for_status()
    own.stop()
    logs = {path.name: path.read_text() for path in (own.log, *own.data.rglob("*.log"))}
    assert {"emulator.log", "simulator.log", "log"} <= set(logs)
    for name, text in logs.items():
        assert ADDRESS not in text.replace("%40", "@"), name
        assert "/v1/emails?" not in text, name
        assert "HTTP/1." not in text, f"{name} has a line of a server for each request"
    assert '"route":"/v1/suppressions/{suppression_id}"' in logs["log"].replace('": ', '":')


def open_to_others(folder: Path) -> dict[str, str]:
    """Everything in the folder, and the folder itself, that is not for its owner only: its mode by its name."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(os.lstat(path).st_mode)
        if mode != (0o700 if path.is_dir() else 0o600):
            found[str(path.relative_to(folder))] = oct(mode)
    return found
