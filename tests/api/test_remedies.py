"""What stays refused says what to do instead."""

import json
from typing import Any

import pytest

from app.api.body import BODY_LIMIT_BYTES
from app.api.v1.remedies import RESERVED_HEADERS, UNKNOWN_FIELDS, UNKNOWN_FIELDS_OF_A_FILE
from app.api.v1.schemas import AttachmentRequest, EmailRequest
from tests.api.conftest import Client

pytestmark = pytest.mark.usefixtures("nothing_stored")

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}
FILE = {"filename": "a.txt", "content": "aGVsbG8="}
ANSWERS = "who else is to get answers goes into `reply_to`"


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        (
            {"to": "a@example.com, b@example.com"},
            "to[0]",
            'names several addresses; put each address into a list: ["a@example.com", "b@example.com"]',
        ),
        ({"from": ["a@example.com"]}, "from", f"must be one address and not a list; {ANSWERS}"),
        (
            {"from": "a@example.com, b@example.com"},
            "from",
            f"names several addresses, and an email is from one; {ANSWERS}",
        ),
        ({"to": []}, "to", "must have at least one recipient, or cc or bcc must"),
        (
            {"to": [f"a{n}@example.com" for n in range(51)]},
            "to",
            "may have at most 50 addresses; send the email to the others in further requests",
        ),
        (
            {"bcc": [f"a{n}@example.com" for n in range(50)]},
            "to",
            "to, cc and bcc may have 50 recipients together, not 51; send the email to the others in further requests",
        ),
        (
            {"headers": {"Reply-To": "a@example.com"}},
            "headers.Reply-To",
            "cannot be set here: use the field `reply_to`",
        ),
        ({"headers": [{"name": "BCC", "value": "a"}]}, "headers[0].name", "cannot be set here: use the field `bcc`"),
        (
            {"headers": {"X-SES-Configuration-Set": "other"}},
            "headers.X-SES-Configuration-Set",
            "cannot be set here: it would change how one provider handles the email; use `tags` and `metadata`",
        ),
        (
            {"tracking_settings": {"open_tracking": {"enable": False}}},
            "tracking_settings",
            "is not a known field; use `tracking`, which has `opens` and `clicks`",
        ),
        ({"tracking": {"open": False}}, "tracking.open", "is not a known field; did you mean opens?"),
        ({"tracking": False}, "tracking", "must be an object"),
        (
            {"template_id": "t"},
            "template_id",
            "is not supported: fill in the template yourself, and send the result as `html` and `text`",
        ),
        (
            {"amp_html": "<html>"},
            "amp_html",
            "is not supported, because most providers do not take it; send `html` and `text`",
        ),
        ({"callback_url": "x"}, "callback_url", "is not a known field; use `webhook_url`"),
        ({"webhook": ""}, "webhook", "is not a known field; use `webhook_url`"),
        ({"deliver_at": "x"}, "deliver_at", "is not a known field; use `send_at`"),
        ({"subjct": "Hello"}, "subjct", "is not a known field; did you mean subject?"),
        ({"zzzzzz": "x"}, "zzzzzz", "is not a known field"),
        (
            {"idempotency_key": "x"},
            "idempotency_key",
            "is not a known field; send it as the header `Idempotency-Key`",
        ),
        (
            {"attachments": [FILE | {"path": "https://example.com/a.txt"}]},
            "attachments[0].path",
            "is not supported: files are not fetched; send the bytes as `content`",
        ),
        (
            {"attachments": [FILE | {"filenam": "x"}]},
            "attachments[0].filenam",
            "is not a known field; did you mean filename?",
        ),
        (
            {"to": {"email": "ann@example.com", "address": "x"}},
            "to[0].address",
            "is not a known field; an address has email and name",
        ),
        (
            {"headers": [{"name": "X-A", "value": "a", "key": "x"}]},
            "headers[0].key",
            "is not a known field; a header has name and value",
        ),
        (
            {"tags": [{"name": "a", "value": "a", "key": "x"}]},
            "tags[0].key",
            "is not a known field; a tag has name and value, or is a text",
        ),
        (
            {"to": "user..name@docomo.ne.jp"},
            "to[0]",
            "is not an email address: it cannot have two periods in a row. "
            'If the mailbox is really called so, write "user..name"@docomo.ne.jp',
        ),
        (
            {"attachments": [FILE | {"content_type": "application/pdf; name=März.pdf"}]},
            "attachments[0].content_type",
            "has a parameter that is not name=value in ASCII; the file's name belongs into filename",
        ),
    ],
)
def test_the_message_has_the_remedy(client: Client, changes: dict[str, Any], field: str, message: str) -> None:
    answer = client.post("/v1/emails", content=json.dumps(GOOD | changes), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"] == [{"field": field, "message": message}]


def test_a_body_over_the_limit_says_what_to_do_with_large_files(client: Client) -> None:
    body = b" " * (BODY_LIMIT_BYTES + 1)
    answer = client.post("/v1/emails", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert "put large files where they can be downloaded, and send a link" in answer.json()["detail"]


def test_no_remedy_is_about_a_field_that_is_there() -> None:
    known = {field.alias or name for name, field in EmailRequest.model_fields.items()}
    assert not known & set(UNKNOWN_FIELDS)
    assert not set(AttachmentRequest.model_fields) & set(UNKNOWN_FIELDS_OF_A_FILE)


@pytest.mark.parametrize("name", RESERVED_HEADERS)
def test_each_reserved_header_has_a_remedy(client: Client, name: str) -> None:
    [error] = client.post("/v1/emails", json=GOOD | {"headers": {name.title(): "x"}}).json()["errors"]
    assert error == {"field": f"headers.{name.title()}", "message": f"cannot be set here: {RESERVED_HEADERS[name]}"}


@pytest.mark.parametrize("name", ["X-SES-Configuration-Set", "X-Mailgun-Tag", "X-SMTPAPI", "X-SG-EID"])
def test_no_header_may_change_how_one_provider_handles_the_email(client: Client, name: str) -> None:
    answer = client.post("/v1/emails", json=GOOD | {"headers": {name: "x"}})
    assert answer.status_code == 422
    assert "it would change how one provider handles the email" in answer.json()["errors"][0]["message"]
