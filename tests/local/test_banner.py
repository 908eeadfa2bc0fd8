import json
import shlex

from app.local import banner
from app.local.ports import Ports

PORTS = Ports(api=8001, simulator=8026, aws=4567)


def test_the_command_survives_being_pasted_into_a_shell() -> None:
    words = shlex.split(banner.curl(PORTS))
    assert words[:3] == ["curl", "-sS", "http://127.0.0.1:8001/v1/emails"]
    assert "Authorization: Bearer em_local_development" in words
    assert "Content-Type: application/json" in words
    assert json.loads(words[words.index("-d") + 1]) == banner.EMAIL
    assert "'" not in json.dumps(banner.EMAIL)


def test_it_says_what_to_open() -> None:
    text = banner.text(PORTS)
    assert "http://127.0.0.1:8001/docs" in text
    assert "http://127.0.0.1:8026\n" in text
    assert banner.curl(PORTS) in text
