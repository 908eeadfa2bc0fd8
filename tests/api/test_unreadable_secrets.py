"""A webhook secret that cannot be read stops a start that somebody watches, and costs a deployed API one account."""

from collections.abc import Iterator

import pytest

from app.errors import ConfigurationError
from app.wiring.parts import Container
from tests.api.conftest import Client, installed
from tests.providers.case import CASES, Case
from tests.support.clock import Clock

GOOD = CASES["mailgun"].variables
KEY = CASES["sendgrid"].variables["SENDGRID_WEBHOOK_PUBLIC_KEY"].split(",")[0]


@pytest.fixture(scope="module", params=["MFkw", f"MFkw,{KEY}", f"{KEY},MFkw"])
def parts(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Container]:
    changes = {**GOOD, "SENDGRID_WEBHOOK_PUBLIC_KEY": request.param}
    with installed(clock, AWS_LAMBDA_FUNCTION_NAME="api", **changes) as found:
        yield found


def posted(client: Client, name: str, case: Case, at_s: float, key: int = 0) -> int:
    payload = case.report("eml_unknown", 1, "ann@example.com", at_s)
    webhook = case.fresh(payload, at_s) if case.fresh else case.webhook(payload, at_s, key)
    return client.post(f"/v1/webhooks/{name}", content=webhook.body, headers=webhook.headers, key=None).status_code


def test_only_what_it_would_have_to_prove_is_answered_503(client: Client, parts: Container, clock: Clock) -> None:
    assert client.get("/v1/providers").status_code == 200
    body = {"from": "a@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}
    assert client.post("/v1/emails", json=body).status_code == 202
    assert posted(client, "mailgun", CASES["mailgun"], clock()) == 200
    has_good_one = KEY in parts.providers["sendgrid"].public_keys  # type: ignore[attr-defined] # because it is SendGrid
    assert posted(client, "sendgrid", CASES["sendgrid"], clock()) == (200 if has_good_one else 503)
    assert posted(client, "sendgrid", CASES["sendgrid"], clock(), key=1) == 503  # the other one might have proved it


def test_a_start_that_is_watched_is_refused(clock: Clock) -> None:
    said = r"^SENDGRID_WEBHOOK_PUBLIC_KEY: text 2 of the 2 in it is not a public key"
    keys = f"{KEY},MFkw"
    with pytest.raises(ConfigurationError, match=said), installed(clock, SENDGRID_WEBHOOK_PUBLIC_KEY=keys):
        pytest.fail("it must not start")
