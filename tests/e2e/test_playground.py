"""The playground with its API: the form, the stories, and the health on the cards."""

import re
from html import unescape

import httpx
import pytest

from tests.support.installation import Installation


def text(answer: httpx.Response) -> str:
    """What a page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def test_what_is_sent_there_has_its_story_there(installation: Installation) -> None:
    installation.fault("sendgrid", "unavailable")

    answer = installation.control.post("/send/one")

    page = answer.headers["location"]
    story = installation.ended(page.removeprefix("/emails/"))
    assert story["status"] == "delivered"
    shown = text(installation.control.get(page))
    assert "Attempt 1: SendGrid could not take it" in shown
    assert "Mailgun delivered it" in shown
    assert "Mailgun attempt 2 playground" in shown
    (message,) = installation.inbox(story["id"])
    assert "Its story delivered" in text(installation.control.get(f"/messages/{message['number']}"))
    assert message["tags"] == ["playground"]


def test_what_the_api_says_of_a_field_stands_at_the_field(installation: Installation) -> None:
    values = {"from": "nobody", "to": "ann@example.com, bob", "subject": "Hello", "text": "Hello", "html": ""}

    answer = installation.control.post("/send", data=values)

    assert answer.status_code == 422
    errors = dict(re.findall(r'id="error-(\w+)-1">([^<]*)<', answer.text))
    assert errors.keys() == {"from", "to"}
    assert errors["to"] == "number 2 is not an email address: it must have an @-sign."
    first = installation.control.post("/send", data=values | {"from": "a@example.com", "to": "bob, ann@example.com"})
    assert "number 1 is not an email address: it must have" in first.text
    assert "nobody" in answer.text
    empty = installation.control.post("/send", data={"from": "a@example.com", "to": "ann@example.com"})
    assert re.findall(r'id="error-(\w+)-1"', empty.text) == ["text"]


def test_a_file_is_sent_and_comes_back_the_same(installation: Installation) -> None:
    content = bytes(range(256)) * 100
    values = {"from": "a@example.com", "to": "ann@example.net", "subject": "", "text": "", "html": "<p>x</p>"}
    answer = installation.control.post("/send", data=values, files={"attachment": ("a b.bin", content)})
    email_id = answer.headers["location"].removeprefix("/emails/")

    installation.ended(email_id)

    (message,) = installation.inbox(email_id)
    assert installation.control.get(f"/messages/{message['number']}/files/0").content == content


def test_an_email_that_waits_says_until_when(installation: Installation) -> None:
    for account in ("sendgrid", "mailgun", "ses"):
        installation.fault(account, "unavailable")
    email_id = installation.send()

    installation.story_when(email_id, lambda story: "next_attempt_at" in story["recipients"][0])

    shown = text(installation.control.get(f"/emails/{email_id}"))
    assert re.search(r"The next round begins (now|in \d+ (s|min)), at \d\d:\d\d:\d\d\.", shown)
    assert "No provider has taken it yet." in shown
    installation.api.post(f"/v1/emails/{email_id}/cancel").raise_for_status()
    assert "Nothing: every recipient has a final status." in text(installation.control.get(f"/emails/{email_id}"))


def test_an_email_whose_copy_is_gone_says_so(installation: Installation) -> None:
    email_id = installation.send()
    installation.ended(email_id)
    installation.control.delete("/control/messages").raise_for_status()

    shown = text(installation.control.get(f"/emails/{email_id}"))
    assert "A provider took it, but no copy of it is kept here." in shown
    assert "No provider has taken it yet." not in shown


def test_an_account_is_paused_and_resumed(installation: Installation) -> None:
    assert installation.control.post("/accounts/mailgun/pause", data={"back": "/send"}).headers["location"] == "/send"
    paused = {each["name"]: each["paused"] for each in installation.api.get("/v1/providers").json()["providers"]}
    assert paused["mailgun"]
    assert "nothing is sent here" in text(installation.control.get("/"))
    assert installation.control.post("/accounts/mailgun/resume").headers["location"] == "/"
    assert "nothing is sent here" not in text(installation.control.get("/"))
    assert installation.control.post("/accounts/nobody/pause").headers["location"] == "/?note=failed"


def test_an_open_breaker_is_on_its_card(installation: Installation) -> None:
    installation.fault("sendgrid", "unauthorized")
    installation.ended(installation.send())

    def is_shown() -> bool:
        return bool(re.search(r"Breaker open: .*, probe (in \d+ s|now)", text(installation.control.get("/"))))

    installation.until("an open breaker", is_shown, within_s=60)


@pytest.mark.parametrize(
    ("address", "status"),
    [("bounced+e2e@example.org", "bounced"), ("complained+e2e@example.org", "complained")],
)
def test_an_address_decides_how_its_email_ends(installation: Installation, address: str, status: str) -> None:
    email_id = installation.send(to=[address], text=address)

    story = installation.story_when(email_id, lambda found: found["recipients"][0]["status"] == status)

    assert [attempt["provider"] for attempt in story["attempts"]] == ["sendgrid"]
    installation.lift(address)


def test_an_email_that_is_none_is_a_page_that_says_so(installation: Installation) -> None:
    for email_id in ("eml_none", "a.b", "%00"):
        answer = installation.control.get(f"/emails/{email_id}")
        assert (answer.status_code, "There is no such email" in answer.text) == (404, True)
