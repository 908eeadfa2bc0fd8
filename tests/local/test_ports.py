import pytest

from app.local import ports
from app.local.mode import LocalError

SERVER = ["/somewhere/bin/uvicorn", "app.main:app"]
MODULE = ["/somewhere/uvicorn/__main__.py", "app.main:app"]


def test_defaults() -> None:
    assert ports.read({}, argv=["pytest"]) == ports.Ports(api=8000, simulator=8025, aws=4566)


def test_environment_names_them() -> None:
    env = {"PORT": "8001", "SIMULATOR_PORT": "8026", "AWS_PORT": "4567"}
    assert ports.read(env, argv=["pytest"]) == ports.Ports(api=8001, simulator=8026, aws=4567)


@pytest.mark.parametrize("server", [SERVER, MODULE])
@pytest.mark.parametrize("flag", [["--port", "9000"], ["--port=9000"]])
def test_the_flag_of_uvicorn_is_where_it_listens(server: list[str], flag: list[str]) -> None:
    assert ports.read({"PORT": "8001"}, argv=[*server, *flag]).api == 9000


def test_uvicorn_takes_its_port_from_its_own_variable() -> None:
    assert ports.read({"UVICORN_PORT": "9001"}, argv=SERVER).api == 9001


def test_a_port_that_uvicorn_would_not_listen_on_is_refused() -> None:
    with pytest.raises(LocalError, match="PORT is 8001, but uvicorn listens on 8000: add --port 8001"):
        ports.read({"PORT": "8001"}, argv=SERVER)


@pytest.mark.parametrize("text", ["0", "-1", "65535", "http", "80 80", "²"])
def test_what_is_no_port_is_refused_by_name(text: str) -> None:
    with pytest.raises(LocalError, match="AWS_PORT must be a port"):
        ports.read({"AWS_PORT": text}, argv=["pytest"])


def test_the_same_port_twice_is_refused() -> None:
    with pytest.raises(LocalError, match="must differ"):
        ports.read({"PORT": "8025"}, argv=["pytest"])


@pytest.mark.parametrize(
    ("argv", "level", "variable", "way_out"),
    [
        (["pytest"], "", "AWS_PORT", "set AWS_PORT={}"),
        (SERVER, "1", "PORT", "start it by make run PORT={}"),
        (SERVER, "1", "SIMULATOR_PORT", "start it by make run SIMULATOR_PORT={}"),
        (SERVER, "", "PORT", "start uvicorn with --port {}"),
        (SERVER, "", "AWS_PORT", "set AWS_PORT={}"),
    ],
)
def test_a_port_in_use_is_refused_with_a_way_out_that_fits_how_it_was_started(
    taken: int, monkeypatch: pytest.MonkeyPatch, argv: list[str], level: str, variable: str, way_out: str
) -> None:
    monkeypatch.setattr("sys.argv", argv)
    monkeypatch.setenv("MAKELEVEL", level)
    with pytest.raises(LocalError) as refused:
        ports.require_free(taken, variable)
    assert str(refused.value) == f"Port {taken} is in use: stop what uses it, or {way_out.format(taken + 1)}"


def test_a_free_port_is_free(env: dict[str, str]) -> None:
    ports.require_free(int(env["PORT"]), "PORT")
