"""A collector that is named where OpenTelemetry is not installed is one clear line, with the remedy."""

import socket
import subprocess
import sys
from pathlib import Path

import botocore.session
import pytest

from app.errors import ConfigurationError
from app.tracing import UNTRACED
from app.wiring.tracing import open_traces

ROOT = Path(__file__).parents[2]
COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}

WITHOUT = """
import sys
sys.modules["opentelemetry.exporter"] = None  # as if it were not installed
import uvicorn
uvicorn.run("app.main:app", port=int(sys.argv[1]))
"""


def test_make_run_stops_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {"PATH": "", "PORT": str(port), "DATA_DIR": str(tmp_path), **COLLECTOR}
    command = [sys.executable, "-c", WITHOUT, str(port)]
    result = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode != 0
    assert "a collector is named, and OpenTelemetry is not installed: run `make tracing`" in result.stderr
    assert "Traceback" not in result.stderr


def test_on_lambda_it_is_logged_and_emails_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("app.telemetry", "app.telemetry.spans"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    session = botocore.session.get_session()
    with pytest.raises(ConfigurationError, match="run `make tracing`"):
        open_traces(COLLECTOR, "mail", session)
    assert open_traces({**COLLECTOR, "AWS_LAMBDA_FUNCTION_NAME": "x"}, "mail", session) is UNTRACED
    (record,) = caplog.records
    assert (record.message, record.levelname) == ("not traced", "ERROR")
