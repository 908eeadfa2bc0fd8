"""`make conform` runs over the engine that is named, and says what is missing where there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.conform import NoEngine, engine, java_command
from tests.support.installation import ROOT

# Stands for Java: it answers as the engine does to a request without a signature, until it is ended.
FAKE_JAVA = f"""#!{sys.executable}
import http.server, sys
class Engine(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(400)
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("-port") + 1])), Engine).serve_forever()
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment with a folder of the engine, and something that is called java."""
    (tmp_path / "DynamoDBLocal.jar").touch()
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(FAKE_JAVA)
    java.chmod(0o755)
    return {"DYNAMODB_LOCAL": str(tmp_path), "PATH": str(java.parent)}


def test_an_engine_that_is_started_answers_and_ends_with_the_run(env: dict[str, str]) -> None:
    with engine(env) as url:
        assert url.startswith("http://127.0.0.1:")
    with engine({"DYNAMODB_URL": "http://127.0.0.1:1"}) as url:
        assert url == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("without", "said"), [("DYNAMODB_LOCAL", "DYNAMODB_URL"), ("jar", "DynamoDBLocal.jar"), ("PATH", "Java")]
)
def test_what_is_missing_is_said(env: dict[str, str], without: str, said: str) -> None:
    if without == "jar":
        Path(env["DYNAMODB_LOCAL"], "DynamoDBLocal.jar").unlink()
    env = env | ({without: ""} if without == "DYNAMODB_LOCAL" else {"PATH": "/nowhere"} if without == "PATH" else {})
    with pytest.raises(NoEngine, match=said):
        java_command(env)


def test_without_an_engine_nothing_fails() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("DYNAMODB")}
    done = subprocess.run([sys.executable, "-m", "bench.conform"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
