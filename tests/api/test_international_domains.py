"""One address in several spellings, by every door of one installation."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.api.application import create
from app.domain.event import Webhook
from app.domain.head import Status
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.wiring.parts import Container
from tests.api.conftest import Client, installed
from tests.providers.case import CASES
from tests.support.clock import Clock

MAILGUN = CASES["mailgun"]
UNICODE, ASCII = "bücher.example", "xn--bcher-kva.example"
SPELLINGS = [UNICODE, "BÜCHER.Example", "bu\u0308cher.example", ASCII]


@pytest.fixture(scope="module")
def parts(clock: Clock) -> Iterator[Container]:
    with installed(
        clock,
        PROVIDERS="sendgrid,mailgun",
        SENDGRID_FROM_DOMAINS="Bücher.example",
        MAILGUN_FROM_DOMAINS="example.com",
        MAILGUN_WEBHOOK_SIGNING_KEY=MAILGUN.variables["MAILGUN_WEBHOOK_SIGNING_KEY"],
        DOMAIN_PREFERENCES="bücher.example=mailgun",
    ) as found:
        yield found


def email(**changes: Any) -> dict[str, Any]:
    return {"from": "a@example.com", "to": f"jane@{UNICODE}", "subject": "Hello", "text": "It works."} | changes


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_account_that_may_send_from_the_domain_carries_it(client: Client, spelling: str) -> None:
    answer = client.post("/v1/emails", json=email(**{"from": f"a@{spelling}"}))
    assert (answer.json()["from"], answer.json()["eligible_providers"]) == (f"a@{ASCII}", ["sendgrid"])


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_preference_for_the_domain_counts(client: Client, spelling: str) -> None:
    route = client.post("/v1/emails/explain", json=email(to=f"jane@{spelling}")).json()["route"]
    assert route[0]["provider"] == "mailgun"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_key_for_the_domain_may_send_from_it(parts: Container, spelling: str) -> None:
    mine = Client(create(lambda: parts), parts.api_keys.create("mine", {"send"}, (spelling,)))
    other = Client(create(lambda: parts), parts.api_keys.create("other", {"send"}, ("example.com",)))
    answers = [one.post("/v1/emails", json=email(**{"from": f"a@{UNICODE}"})) for one in (mine, other)]
    assert [answer.status_code for answer in answers] == [202, 403]


def test_a_key_is_not_made_for_what_is_no_domain(parts: Container) -> None:
    with pytest.raises(ValueError, match="is not a domain such as"):
        parts.api_keys.create("odd", {"send"}, ("*.example.com",))


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_emails_are_listed_by_it(client: Client, spelling: str) -> None:
    email_id = client.post("/v1/emails", json=email(to=f"jane@{UNICODE}")).json()["id"]
    found = client.get("/v1/emails", params={"recipient": f"Jane@{spelling}"}).json()["emails"]
    assert email_id in {each["id"] for each in found}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_report_that_names_it_is_ours(parts: Container, client: Client, clock: Clock, spelling: str) -> None:
    email_id = client.post("/v1/emails", json=email(to=f"jane@{ASCII}", providers=["mailgun"])).json()["id"]
    object.__setattr__(parts.attempt, "send", lambda *_: Outcome(Kind.ACCEPTED, status_code=200, message_id="m"))
    parts.attempt(email_id, 1)
    assert MAILGUN.fresh is not None
    told: Webhook = MAILGUN.fresh(MAILGUN.report(email_id, 1, f"jane@{spelling}", clock()), clock())
    parts.record("mailgun", told)
    (recipient,) = parts.read.story(email_id, None).head.recipients.values()
    assert (recipient.address, recipient.status) == (f"jane@{ASCII}", Status.DELIVERED)
