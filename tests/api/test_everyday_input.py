"""POST /v1/emails takes what people send whose meaning is plain, and the exact OpenAPI document declares it."""

import base64
import codecs
import json
from typing import Any

import jsonschema_rs
import pytest

from app.api import openapi
from app.api.application import Application
from app.api.v1 import examples, routes
from app.api.v1.files import UNTYPED
from app.domain.email import Attachment, Content, Mailbox, Role
from app.wiring.parts import Container
from tests.api.conftest import Client

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}
JSON = {"Content-Type": "application/json"}
ANN = Mailbox("ann@example.com", "Ann")
BYTES = bytes(range(256))  # in base64 it has every character of the alphabet
WRAPPED = base64.encodebytes(BYTES).decode()
URL_SAFE = base64.urlsafe_b64encode(BYTES).decode()
REFERENCES = " ".join(f"<{n}.0123456789abcdef0123456789abcdef@mail.example.com>" for n in range(25))


@pytest.fixture(scope="module")
def schema(app: Application) -> jsonschema_rs.Validator:
    described = openapi.describe(app, routes.REQUESTS, routes.NAMES, exact=True)
    return jsonschema_rs.validator_for({"$ref": "#/components/schemas/EmailRequest", **described})


def accepted(client: Client, parts: Container, body: dict[str, Any]) -> Any:
    """The head and the content of the email that this body makes."""
    answer = client.post("/v1/emails", content=json.dumps(body), headers=JSON)
    assert answer.status_code == 202, answer.text
    head = parts.read.story(answer.json()["id"], None).head
    return head, parts.attempt.contents.open(head.email_id)[1]()


def of_a_file(**changes: str | None) -> dict[str, Any]:
    return {"attachments": [{"filename": "a.bin", "content": "aGVsbG8="} | changes]}


def the_file(**changes: Any) -> dict[str, Any]:
    file = {"filename": "a.bin", "content_type": UNTYPED, "content": b"hello", "content_id": ""} | changes
    return {"attachments": (Attachment(**file),)}


@pytest.mark.parametrize(
    ("changes", "stored"),
    [
        # Files
        (of_a_file(content=WRAPPED), the_file(content=BYTES)),
        (of_a_file(content=WRAPPED.replace("\n", "\r\n")), the_file(content=BYTES)),
        (of_a_file(content=URL_SAFE), the_file(content=BYTES)),
        (of_a_file(content=URL_SAFE.rstrip("=")), the_file(content=BYTES)),
        (of_a_file(content="aGVsbG8"), the_file()),
        (of_a_file(content="aA"), the_file(content=b"h")),
        (of_a_file(content="data:image/png;base64,aGVsbG8="), the_file(content_type="image/png")),
        (of_a_file(content="DATA:image/png;BASE64,aGVsbG8"), the_file(content_type="image/png")),
        (of_a_file(content="data:;base64,aGVs%0AbG8%3D"), the_file()),
        (of_a_file(content="data:;charset=utf-8;base64,aGVsbG8="), the_file()),
        (of_a_file(content="data:text/plain;charset=utf-8,gr%C3%BCn+1"),
         the_file(content_type="text/plain; charset=utf-8", content="grün+1".encode())),
        (of_a_file(content="data:image/png;base64,aGVsbG8=", content_type="image/gif"),
         the_file(content_type="image/gif")),
        (of_a_file(content=" data:image/png;base64,aGVsbG8=\n"), the_file(content_type="image/png")),
        (of_a_file(content="data:image/png;name=a.png;base64, aGVs bG8="),
         the_file(content_type="image/png; name=a.png")),
        (of_a_file(content="\taGVs\v\fbG8=\u00a0"), the_file()),
        ({"attachments": of_a_file()["attachments"][0]}, the_file()),
        (of_a_file(content=""), the_file(content=b"")),
        (of_a_file(content="data:,"), the_file(content=b"")),
        # Their types
        *(
            (of_a_file(filename=name, content_type=missing), the_file(filename=name, content_type=guess))
            for name, guess, missing in [
                ("a.pdf", "application/pdf", None),
                ("A.PDF", "application/pdf", ""),
                ("a.b.csv", "text/csv", None),
                ("a.ics", "text/calendar", None),
                ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", None),
                ("a.tar.gz", "application/gzip", None),
                ("a.eml", UNTYPED, None),
                ("data:text/html,a", UNTYPED, None),
                ("pdf", UNTYPED, None),
                ("a.", UNTYPED, None),
            ]
        ),
        *(
            (of_a_file(content_type=given), the_file(content_type=written))
            for given, written in [
                ("text/calendar; method=REQUEST; charset=UTF-8", "text/calendar; method=REQUEST; charset=UTF-8"),
                ("text/calendar;method=REQUEST;charset=\"UTF-8\";", "text/calendar; method=REQUEST; charset=UTF-8"),
                (' application/pdf ; name="my; bill.pdf" ', 'application/pdf; name="my; bill.pdf"'),
                ("multipart/related; type=text/html", 'multipart/related; type="text/html"'),
            ]
        ),
        (of_a_file(content_id="<logo@example.com>"), the_file(content_id="logo@example.com")),
        (of_a_file(content_id="cid:logo"), the_file(content_id="logo")),
        (of_a_file(content_id=""), the_file()),
        # Tags and metadata
        ({"tags": ["grüße", "two words"]}, {"tags": ("grüße", "two words")}),
        ({"tags": ["a", "b", "a"] * 4}, {"tags": ("a", "b")}),
        ({"tags": ["", "a", None]}, {"tags": ("a",)}),
        ({"tags": "welcome"}, {"tags": ("welcome",)}),
        ({"tags": [7, "a", True]}, {"tags": ("7", "a", "true")}),
        ({"tags": {"name": "order", "value": "4711"}}, {"metadata": {"order": "4711"}}),
        ({"tags": [{"name": "order", "value": "4711"}]}, {"metadata": {"order": "4711"}}),
        ({"metadata": [{"name": "order", "value": 4711}, None, {"name": "paid", "value": ""}]},
         {"metadata": {"order": "4711", "paid": ""}}),
        ({"tags": ["a", {"name": "paid", "value": True}], "metadata": {"paid": "true", "order": "1"}},
         {"tags": ("a",), "metadata": {"paid": "true", "order": "1"}}),
        ({"metadata": {"a": 7, "b": 19.9, "c": True, "d": False, "e": "", "f": None, "g": 10**30}},
         {"metadata": {"a": "7", "b": "19.9", "c": "true", "d": "false", "e": "", "g": str(10**30)}}),
        # Headers
        ({"headers": {"X-A": 7, "X-B": 1.5, "X-C": True, "X-D": "", "X-E": None}},
         {"headers": (("X-A", "7"), ("X-B", "1.5"), ("X-C", "true"))}),
        ({"headers": [{"name": "X-A", "value": "a"}, {"name": "X-B", "value": 7}, {"name": "X-C", "value": ""}]},
         {"headers": (("X-A", "a"), ("X-B", "7"))}),
        ({"headers": []}, {"headers": ()}),
        ({"headers": {"References": REFERENCES}}, {"headers": (("References", REFERENCES),)}),
        ({"headers": {"In-Reply-To": "<" + "x" * 994 + ">"}}, {"headers": (("In-Reply-To", "<" + "x" * 994 + ">"),)}),
        ({"headers": {"List-Id": "Grüße <list.example.com>"}}, {"headers": (("List-Id", "Grüße <list.example.com>"),)}),
        # Texts and addresses
        ({"subject": ""}, {"subject": ""}),
        ({"reply_to": [{"email": "ann@example.com", "name": "Ann"}, "", "bob@example.com (Bob)"]},
         {"reply_to": (ANN, Mailbox("bob@example.com", "Bob"))}),
        ({"reply_to": ""}, {"reply_to": ()}),
        ({"text": "", "html": "<p>"}, {"text": "", "html": "<p>"}),
    ],
)  # fmt: skip
def test_the_content_is_stored_as_meant(
    client: Client, parts: Container, schema: jsonschema_rs.Validator, changes: dict[str, Any], stored: dict[str, Any]
) -> None:
    schema.validate(GOOD | changes)
    expected = Content(**({"subject": "Hello", "text": "It works."} | stored))
    assert accepted(client, parts, GOOD | changes)[1] == expected


@pytest.mark.parametrize(
    ("given", "mailbox"),
    [
        ({"email": "ann@example.com", "name": "Ann"}, ANN),
        ({"email": "ann@example.com", "name": "Smith, Ann <boss>"}, Mailbox("ann@example.com", "Smith, Ann <boss>")),
        ({"email": " ann@exämple.de ", "name": ""}, Mailbox("ann@xn--exmple-cua.de")),
        ({"email": "ann@example.com", "name": None}, Mailbox("ann@example.com")),
        ("ann@example.com (Ann)", ANN),
        ('Ann <"user..name"@docomo.ne.jp>', Mailbox('"user..name"@docomo.ne.jp', "Ann")),
        ({"email": '"user..name"@docomo.ne.jp'}, Mailbox('"user..name"@docomo.ne.jp')),
    ],
)
def test_an_address_in_any_form_in_every_field(
    client: Client, parts: Container, schema: jsonschema_rs.Validator, given: Any, mailbox: Mailbox
) -> None:
    lists: list[tuple[str, Any]] = [("to", given), ("cc", [given]), ("bcc", ["", given, None])]
    for field, value in lists:
        body = GOOD | {"to": "bob@example.com", "from": given, "reply_to": value, field: value}
        schema.validate(body)
        head, content = accepted(client, parts, body)
        assert head.sender == mailbox
        assert content.reply_to == (mailbox,)
        found = head.recipients[mailbox.key]
        assert (found.address, found.role) == (mailbox.address, Role(field))
        assert content.names.get(mailbox.key, "") == mailbox.name


@pytest.mark.parametrize("field", ["cc", "bcc"])
def test_nobody_needs_to_be_in_to(
    client: Client, parts: Container, schema: jsonschema_rs.Validator, field: str
) -> None:
    nobody: list[dict[str, Any]] = [{}, {"to": ""}, {"to": []}, {"to": [""]}, {"to": None}]
    for to in nobody:
        body = {name: value for name, value in GOOD.items() if name != "to"} | to
        body[field] = ["ann@example.com", "bob@example.com"]
        schema.validate(body)
        head, _ = accepted(client, parts, body)
        assert {recipient.role for recipient in head.recipients.values()} == {Role(field)}


def test_an_empty_string_leaves_any_optional_field_out(
    client: Client, parts: Container, schema: jsonschema_rs.Validator
) -> None:
    fields = set(schema_properties(client)) - set(GOOD)
    assert len(fields) > 10
    body = GOOD | dict.fromkeys(fields, "")
    schema.validate(body)
    head, content = accepted(client, parts, body)
    plain_head, plain = accepted(client, parts, GOOD)
    assert content == plain
    assert head.fingerprint == plain_head.fingerprint


def schema_properties(client: Client) -> Any:
    return client.get("/openapi.json").json()["components"]["schemas"]["EmailRequest"]["properties"]


@pytest.mark.parametrize("providers", ["", [""], None, [None]])
def test_a_blank_list_of_providers_restricts_nothing(
    client: Client, parts: Container, schema: jsonschema_rs.Validator, providers: Any
) -> None:
    schema.validate(GOOD | {"providers": providers})
    assert accepted(client, parts, GOOD | {"providers": providers})[0].providers == ()


def test_explain_takes_what_sending_takes(client: Client) -> None:
    assert client.post("/v1/emails/explain", json=examples.OTHER_FORMS).status_code == 200


def test_a_byte_order_mark_is_no_text(client: Client) -> None:
    body = codecs.BOM_UTF8 + json.dumps(GOOD).encode()
    assert client.post("/v1/emails", content=body, headers=JSON).status_code == 202
    suppression = codecs.BOM_UTF8 + b'{"address": {"email": "bom@example.com"}, "note": "asked"}'
    assert client.post("/v1/suppressions", content=suppression, headers=JSON).json()["address"] == "bom@example.com"


def test_a_quoted_local_part_is_known_by_every_call(client: Client) -> None:
    address = '"every..call"@docomo.ne.jp'
    answer = client.post("/v1/emails", json=GOOD | {"to": address})
    assert answer.json()["to"] == [address]
    listed = client.get("/v1/emails", params={"recipient": address}).json()["emails"]
    assert [email["id"] for email in listed] == [answer.json()["id"]]
    assert client.post("/v1/suppressions", json={"address": address, "note": "asked"}).status_code == 201
    [found] = client.get("/v1/suppressions", params={"address": address}).json()["suppressions"]
    assert found["address"] == address
    assert client.get(f"/v1/suppressions/{found['id']}").json() == found
    assert client.request("DELETE", f"/v1/suppressions/{found['id']}").status_code == 204
