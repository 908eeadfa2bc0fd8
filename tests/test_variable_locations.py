"""The list of where each variable may stand."""

import re
from pathlib import Path

import pytest

from app.providers import registry
from app.settings import Process
from app.wiring import variable_locations

EXAMPLE = Path(__file__).parents[1] / ".env.example"
DOCUMENTED = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE.read_text(), re.MULTILINE))


def test_every_documented_variable_has_its_place_and_no_other() -> None:
    plain = {name for name in DOCUMENTED if registry.find_variable(name) is None}
    plain -= {name for name in plain if variable_locations.is_of_an_account(name)}
    assert plain | {"AWS_DEFAULT_REGION"} == variable_locations.NOT_IN_A_SECRET | set(variable_locations.SECRETS)


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_a_documented_variable_may_stand_in_the_settings_or_in_a_secret_or_is_told_where(name: str) -> None:
    assert variable_locations.mistyped(name) == ""
    in_settings, in_file = variable_locations.in_settings(name), variable_locations.in_secrets_file(name)
    found = registry.find_variable(name)
    if name in variable_locations.SECRETS or (found and found[1].is_secret):
        assert (bool(in_settings), in_file) == (True, "")
    elif found:
        assert (in_settings, in_file) == ("", "")
    elif name in variable_locations.OF_EVERY_FUNCTION or variable_locations.is_of_an_account(name):
        assert (in_settings, bool(in_file)) == ("", True)
    else:
        assert in_settings
        assert in_file


@pytest.mark.parametrize("process", Process)
def test_a_secret_holds_what_its_process_reads(process: Process) -> None:
    for name in DOCUMENTED:
        found = registry.find_variable(name)
        if found is not None:
            assert (variable_locations.in_secret(name, process, "secret") == "") is (process in found[1].read_by)


@pytest.mark.parametrize("name", ["SENDGRID_EU_API_KEY", "SENDGRID_EU_DAILY_CAP", "MAILGUN_A1_PER_SECOND_CAP"])
def test_a_variable_of_an_account_is_right_whatever_its_label(name: str) -> None:
    assert variable_locations.mistyped(name) == ""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PROVIDER", "PROVIDERS"),
        ("PROVIDER_TIMEOUTS", "PROVIDER_TIMEOUT_S"),
        ("RETRY_FOR", "RETRY_FOR_S"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("SENDGRID_APIKEY", "SENDGRID_API_KEY"),
        ("SENDGRID_EU_API_KEI", "SENDGRID_EU_API_KEY"),
        ("SES_ACCES_KEY_ID", "SES_ACCESS_KEY_ID"),
        ("OTEL_EXPORTER_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("OTEL_TRACE_SAMPLER", "OTEL_TRACES_SAMPLER"),
    ],
)
def test_a_name_near_a_known_one_is_a_mistake(name: str, meant: str) -> None:
    assert variable_locations.mistyped(name) == f"{name}: there is no such variable; {meant} is meant, perhaps"


def test_a_name_with_the_prefix_of_a_provider_is_a_mistake() -> None:
    assert variable_locations.mistyped("MAILGUN_COLOUR") == "MAILGUN_COLOUR: mailgun has no such variable"


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "NO_PROXY", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "SESSION_TOKEN", "TZ"),
        *("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_BSP_SCHEDULE_DELAY"),
    ],
)
def test_what_others_read_is_none_of_ours(name: str) -> None:
    assert variable_locations.mistyped(name) == ""
