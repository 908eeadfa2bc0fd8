import json
import shlex

from app.local import banner
from app.local.mode import API_KEY, API_KEY_NAME
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


def test_simulated_providers_cost_nothing_and_nothing_is_said_of_it() -> None:
    assert "with its own AWS and simulated providers" in banner.text(PORTS)
    assert "NOT SIMULATED" not in banner.text(PORTS)


def test_real_accounts_are_named_with_a_command_for_a_key_that_nobody_knows() -> None:
    text = banner.text(PORTS, real=("sendgrid", "ses:eu"))
    assert "simulated providers" not in text
    assert "NOT SIMULATED: sendgrid, ses:eu. What is sent through them may cost money and reaches people" in text
    [command] = [line for line in text.splitlines() if "keys replace" in line]
    assert shlex.split(command) == [".venv/bin/python", "-m", "app.admin", "keys", "replace", API_KEY_NAME]


def test_a_revoked_key_is_not_shown_to_be_used() -> None:
    text = banner.text(PORTS, real=("ses",), is_revoked=True)
    assert f"{API_KEY} is revoked and stays so" in text
    assert text.count(API_KEY) == 1
    assert "Authorization: Bearer YOUR_KEY" in text
    assert ".venv/bin/python -m app.admin keys create NAME --scope admin" in text
    assert "keys replace" not in text
