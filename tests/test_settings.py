"""Settings: every variable read, every mistake named, everything documented."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from app.domain.caps import Caps
from app.domain.route import Routing, RoutingPolicy
from app.errors import ConfigurationError
from app.providers import registry
from app.settings import Settings, is_local
from tests.support.environment import ADDRESS_SECRET as SECRET

ROOT = Path(__file__).parent.parent


class Recording(Mapping[str, str]):
    """An environment, empty or nearly so, that remembers what it was asked for."""

    def __init__(self, values: Mapping[str, str] = {}) -> None:
        self.asked: set[str] = set()
        self._values = values

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("nobody reads a whole environment")

    def __len__(self) -> int:
        return 0


def test_every_variable_that_is_read_is_documented() -> None:
    env = Recording({"PROVIDERS": ",".join(registry.PROVIDERS)})
    Settings.from_env(env)
    documented = set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", (ROOT / ".env.example").read_text()))
    assert len(env.asked) > 20
    assert env.asked - documented == set()


def test_every_variable_has_a_sentence_before_it() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        if re.match(r"#?[A-Z][A-Z0-9_]*=", line):
            assert re.match(r"# .*[.\w]$", before), line


def test_an_empty_environment_has_the_defaults() -> None:
    settings = Settings.from_env({})
    assert settings.providers == ()
    assert (settings.aws_region, settings.aws_endpoint_url) == ("us-east-1", None)
    assert (settings.retry_for_s, settings.uncertain_wait_s) == (14_400, 60)
    assert (settings.provider_timeout_s, settings.worker_timeout_s) == (10.0, 20)
    assert (settings.table_prefix, settings.topic_arn, settings.content_bucket) == ("emailsminder-", "", "")
    assert settings.log_level == "INFO"
    assert settings.routing == Routing((), RoutingPolicy.PRIORITY, {}, {})
    assert settings.from_domains == {}


def test_an_empty_variable_is_as_good_as_none() -> None:
    env = Recording()
    Settings.from_env(env)
    empty = dict.fromkeys(env.asked - {"TABLE_PREFIX", "LOG_LEVEL"}, "")
    assert Settings.from_env(empty) == Settings.from_env({})


def test_every_variable_reaches_its_place() -> None:
    settings = Settings.from_env(
        {
            "PROVIDERS": " SES, mailgun ,,sendgrid",
            "AWS_REGION": "eu-north-1",
            "AWS_ENDPOINT_URL": "http://localhost:4566",
            "TABLE_PREFIX": "mine-",
            "TOPIC_ARN": "arn:topic",
            "CONTENT_BUCKET": "bucket",
            "ADDRESS_SECRET": f" {SECRET}\n",
            "RETRY_FOR_S": "0",
            "UNCERTAIN_WAIT_S": "5",
            "PROVIDER_TIMEOUT_S": "2.5",
            "WORKER_TIMEOUT_S": "30",
            "SHARDS": "8",
            "LOG_LEVEL": "debug",
            "ROUTING": "Weighted",
            "DOMAIN_PREFERENCES": " Example.com = SES,mailgun ; example.org=sendgrid;",
            "SES_DAILY_CAP": "200",
            "SES_PER_SECOND_CAP": "14",
            "MAILGUN_DAILY_CAP": "100",
            "SES_FROM_DOMAINS": "Example.com, example.org",
            "API_URL": "https://mail.example.com/production/",
        }
    )
    assert settings.providers == ("ses", "mailgun", "sendgrid")
    assert (settings.aws_region, settings.aws_endpoint_url) == ("eu-north-1", "http://localhost:4566")
    assert (settings.table_prefix, settings.topic_arn, settings.content_bucket) == ("mine-", "arn:topic", "bucket")
    assert (settings.retry_for_s, settings.uncertain_wait_s) == (0, 5)
    assert (settings.provider_timeout_s, settings.worker_timeout_s, settings.log_level) == (2.5, 30, "DEBUG")
    assert settings.routing == Routing(
        ("ses", "mailgun", "sendgrid"),
        RoutingPolicy.WEIGHTED,
        {"example.com": ("ses", "mailgun"), "example.org": ("sendgrid",)},
        {"ses": Caps(200, 14), "mailgun": Caps(100, None), "sendgrid": Caps()},
    )
    assert settings.from_domains == {"ses": ("example.com", "example.org"), "mailgun": (), "sendgrid": ()}
    assert settings.shards == 8
    assert settings.api_url == "https://mail.example.com/production"
    assert settings.address_secret == SECRET
    assert SECRET not in repr(settings)


def test_a_secret_that_can_be_guessed_is_refused_with_a_remedy_and_not_shown() -> None:
    wanted = r"^ADDRESS_SECRET: must have at least 32 characters; .*token_urlsafe"
    with pytest.raises(ConfigurationError, match=wanted) as error:
        Settings.from_env({"ADDRESS_SECRET": SECRET[:31]})
    assert SECRET[:31] not in str(error.value)


@pytest.mark.parametrize(
    ("env", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({}, "us-east-1"),
    ],
)
def test_the_region_is_aws_own(env: dict[str, str], region: str) -> None:
    settings = Settings.from_env(env)
    assert settings.aws_region == region


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROVIDERS", "sendgrid,post mark"),
        ("PROVIDERS", "sendgrid:"),
        ("PROVIDERS", "sendgrid:e-u"),
        ("PROVIDERS", f"sendgrid:{'x' * 21}"),
        ("PROVIDERS", "sendgrid:eu,sendgrid:eu"),
        ("PROVIDERS", "ses,mailgun,SES"),
        *(("RETRY_FOR_S", value) for value in ("soon", "-1", "nan", "inf", "1e999", "1,5")),
        *(("RETRY_FOR_S", value) for value in ("0.9", "1_0", "１２", "1e3", "604801", "9" * 5000)),
        *(("UNCERTAIN_WAIT_S", value) for value in ("x", "-0.5", "0.5", "86401")),
        *(("SHARDS", value) for value in ("0", "65", "-1", "many")),
        *(
            ("PROVIDER_TIMEOUT_S", value)
            for value in ("0", "0.05", "ten", "-inf", "1_0", "１２", "1e1", "901", "9" * 400)
        ),
        *(("WORKER_TIMEOUT_S", value) for value in ("0", "-5", "x", "20.5", "901")),
        ("ROUTING", "random"),
        *(("API_URL", f"http://{host}") for host in ("mail.example.com", "127.0.0.1.example.com", "10.0.0.1:8000")),
        *(
            ("API_URL", f"https://{rest}")
            for rest in ("", ":443", "a b", "a/?b", "a/#b", "user@a", "a:x", "a:65536", "[a")
        ),
        *(
            ("API_URL", value)
            for value in ("mail.example.com", "file:///etc", "https://a\r\nX: b", "https://é.example")
        ),
        *(("DOMAIN_PREFERENCES", value) for value in ("example.com", "=ses", "example.com=", "example.com=a b")),
        *(("DOMAIN_PREFERENCES", f"{text}=ses") for text in ("@example.com", "*.example.com", "example", "a b.com")),
        *(
            ("PROJECT_CAPS", value)
            for value in (
                "shop",
                "shop=",
                "=5",
                "shop=0",
                "shop=-1",
                "shop=many",
                "shop=1e3",
                "shop=1000000001",
                "Shop=5",
            )
        ),
        *(("PROJECT_CAPS", value) for value in ("shop=5, team=6", "shop=5; shop=6", "a b=5")),
        *(("RUNAWAY_GUARD", value) for value in ("yes", "1", "onn")),
        ("DOMAIN_PREFERENCES", "bücher.example=ses; xn--bcher-kva.example=mailgun"),
    ],
)
def test_a_malformed_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: "):
        Settings.from_env({name: value})


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000"])
def test_the_api_may_be_asked_without_tls_on_this_machine(host: str) -> None:
    assert Settings.from_env({"API_URL": f"http://{host}"}).api_url == f"http://{host}"


@pytest.mark.parametrize("name", ["SES_DAILY_CAP", "SES_PER_SECOND_CAP"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "inf", "1.9", "1_0", "١٢", "1000000001"])
def test_a_malformed_cap_of_a_provider_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: "):
        Settings.from_env({"PROVIDERS": "ses", name: value})


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("@example.com", "example.com"),
        ("*.example.com", "example.com"),
        ("example.org, *@Mail.example.com", "mail.example.com"),
        ("https://example.com/", "example.com"),
        ("a b", "example.com"),
        (".example.com", "example.com"),
        ("example", "example.com"),
        ("*.bücher.example", "bücher.example"),
        ("xn--a.example", "example.com"),
    ],
)
def test_a_from_domain_that_fits_no_from_is_refused_with_the_remedy(written: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^SES_EU_FROM_DOMAINS: .* such as {re.escape(remedy)}, "):
        Settings.from_env({"PROVIDERS": "ses:eu", "SES_EU_FROM_DOMAINS": written})


def test_an_account_may_send_any_from() -> None:
    assert Settings.from_env({"PROVIDERS": "ses", "SES_FROM_DOMAINS": " * "}).from_domains == {"ses": ("*",)}
    with pytest.raises(ConfigurationError, match=r"SES_FROM_DOMAINS: '\*' is not a domain"):
        Settings.from_env({"PROVIDERS": "ses", "SES_FROM_DOMAINS": "example.com,*"})


@pytest.mark.parametrize("written", ["bücher.example", "Bücher.Example", "XN--bcher-kva.example"])
def test_a_domain_of_a_setting_is_compared_in_its_one_form(written: str) -> None:
    settings = Settings.from_env(
        {"PROVIDERS": "ses", "SES_FROM_DOMAINS": written, "DOMAIN_PREFERENCES": f"{written}=ses"}
    )
    assert settings.from_domains == {"ses": ("xn--bcher-kva.example",)}
    assert settings.routing.preferences == {"xn--bcher-kva.example": ("ses",)}


@pytest.mark.parametrize(
    ("written", "remedy"), [("@example.com", "example.com"), ("*.example.com", "example.com"), ("a b", "example.com")]
)
def test_a_preference_for_what_is_no_domain_is_refused_with_the_remedy(written: str, remedy: str) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^DOMAIN_PREFERENCES: .* a recipient, such as {re.escape(remedy)}, "
    ):
        Settings.from_env({"DOMAIN_PREFERENCES": f"example.org=ses; {written}=ses"})


def test_caps_of_projects_and_the_guard() -> None:
    read = Settings.from_env({"PROJECT_CAPS": " default=500; web-shop = 10000 ;", "RUNAWAY_GUARD": "On"})
    assert (read.project_caps, read.guards_runaways) == ({"default": 500, "web-shop": 10000}, True)
    none = Settings.from_env({"PROJECT_CAPS": "", "RUNAWAY_GUARD": ""})
    assert (none.project_caps, none.guards_runaways) == ({}, False)


@pytest.mark.parametrize("name", ["AWS_LAMBDA_FUNCTION_NAME", "AWS_ENDPOINT_URL", "TOPIC_ARN"])
def test_a_process_that_has_an_aws_is_not_local(name: str) -> None:
    assert not is_local({name: "x"})
    assert is_local({name: ""})
    assert is_local({"AWS_PROFILE": "work", "AWS_REGION": "eu-west-1"})
