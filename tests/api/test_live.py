"""How a server's process starts, and how it does not."""

import asyncio
import logging
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.main import app, live

ROOT = Path(__file__).parents[2]


def test_missing_settings_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:attempts")
    for name in ("PROVIDERS", "CONTENT_BUCKET", "ADDRESS_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)  # what the start sets is for this process

    async def start() -> None:
        async with live(app):
            raise AssertionError

    with pytest.raises(ConfigurationError, match="PROVIDERS, CONTENT_BUCKET, ADDRESS_SECRET"):
        asyncio.run(start())
    assert sys.tracebacklimit == 0
    assert not logging.getLogger("uvicorn.access").isEnabledFor(logging.INFO)


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        env = {"PATH": "", "PORT": str(port), "DATA_DIR": str(tmp_path)}
        command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port)]
        result = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode != 0
    assert f"Port {port} is in use" in result.stderr
    assert "Traceback" not in result.stderr
