"""Reading back what was sent: texts, attachments, the whole email as MIME; and what a story has of it."""

import base64
import json
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.exceptions import EndpointConnectionError

from app.api.lambda_answers import MOST_BYTES
from app.delivery.read_content import LOST
from app.store.content import ContentItem
from app.store.head_items import HeadItem
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.gateway import call, proxy_event

PAGE = b"<script>document.title = 'run'</script>"
EMAIL: dict[str, Any] = {
    "from": "App <app@example.com>",
    "to": ["Ann <ann@example.com>"],
    "cc": "bob@example.com",
    "bcc": "audit@example.com",
    "reply_to": ["Help <help@example.com>", "b@example.com"],
    "subject": "Grüße",
    "text": "Im Anhang.",
    "html": '<p>☃</p><img src="cid:logo">',
    "headers": {"X-Campaign": "spring"},
    "attachments": [
        {"filename": "page.html", "content": base64.b64encode(PAGE).decode(), "content_type": "text/html"},
        {"filename": "logo.png", "content": "iVBORw0KGgo=", "content_type": "image/png", "content_id": "logo"},
        {"filename": 'Rech"nung ü.pdf', "content": "JVBERi0=", "content_type": "application/pdf; name=x"},
    ],
    "tags": ["receipt", {"name": "order", "value": "4711"}],
    "metadata": {"user": "42"},
}


def send(client: Client, **changes: object) -> str:
    answer = client.post("/v1/emails", json=EMAIL | changes)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def noise(size: int, state: int = 1) -> str:
    """Base64 of bytes that cannot be packed, and are the same every time."""
    found = bytearray()
    while len(found) < size:
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        found += (state >> 32).to_bytes(4, "big")
    return base64.b64encode(bytes(found[:size])).decode()


def large(size: int) -> list[dict[str, str]]:
    return [{"filename": "noise.bin", "content": noise(size)}]


@pytest.fixture
def asked(parts: Container) -> Iterator[list[str]]:
    """What S3 is asked for meanwhile."""
    events = parts.accept.contents._s3().meta.events  # type: ignore[attr-defined] # because only the real store has it
    calls: list[str] = []

    def note(model: Any, **_: Any) -> None:
        calls.append(model.name)

    events.register("before-call.s3", note)
    yield calls
    events.unregister("before-call.s3", note)


def item_of(email_id: str) -> ContentItem:
    (found,) = ContentItem.query(email_id, ContentItem.part.startswith("content#"), consistent_read=True)
    return found


DETAILS = {
    "reply_to": ["Help <help@example.com>", "b@example.com"],
    "headers": {"X-Campaign": "spring"},
    "tags": ["receipt"],
    "metadata": {"user": "42", "order": "4711"},
}


def test_the_story_has_the_small_fields(client: Client) -> None:
    story = client.get(f"/v1/emails/{send(client)}").json()
    assert {name: story[name] for name in DETAILS} == DETAILS


def test_that_takes_one_query_and_no_object_however_large_the_content(client: Client, asked: list[str]) -> None:
    email_id = send(client, attachments=large(60_000))
    assert asked == ["PutObject"]
    dynamodb = HeadItem._get_connection().connection.client.meta.events
    calls: list[str] = []

    def note(model: Any, **_: Any) -> None:
        calls.append(model.name)

    dynamodb.register("before-call.dynamodb", note)
    try:
        story = client.get(f"/v1/emails/{email_id}").json()
    finally:
        dynamodb.unregister("before-call.dynamodb", note)
    assert {name: story[name] for name in DETAILS} == DETAILS
    assert (calls, asked) == (["Query"], ["PutObject"])
    assert len(item_of(email_id).details) < 400  # so the item still takes one write unit


def test_small_fields_that_are_large_come_from_the_object(client: Client, asked: list[str]) -> None:
    headers = {f"X-{number}": noise(700, number) for number in range(48)}
    email_id = send(client, headers=headers)
    assert item_of(email_id).details is None
    assert client.get(f"/v1/emails/{email_id}").json()["headers"] == headers
    assert asked == ["PutObject", "GetObject"]


def test_the_content_is_what_was_sent(client: Client) -> None:
    email_id = send(client)
    answer = client.get(f"/v1/emails/{email_id}/content")
    start = f"/v1/emails/{email_id}/attachments"
    assert answer.json() == {
        "id": email_id,
        "subject": "Grüße",
        "text": "Im Anhang.",
        "html": '<p>☃</p><img src="cid:logo">',
        "attachments": [
            {
                "number": 1,
                "filename": "page.html",
                "content_type": "text/html",
                "size_bytes": len(PAGE),
                "content_id": None,
                "url": f"{start}/1",
            },
            {
                "number": 2,
                "filename": "logo.png",
                "content_type": "image/png",
                "size_bytes": 8,
                "content_id": "logo",
                "url": f"{start}/2",
            },
            {
                "number": 3,
                "filename": 'Rech"nung ü.pdf',
                "content_type": "application/pdf; name=x",
                "size_bytes": 5,
                "content_id": None,
                "url": f"{start}/3",
            },
        ],
    }
    bare = send(client, html="", attachments=[])
    said = client.get(f"/v1/emails/{bare}/content").json()
    assert (said["text"], said["html"], said["attachments"]) == ("Im Anhang.", None, [])


@pytest.mark.parametrize("content_type", ["text/plain; name=50%", 'text/calendar; method=REQUEST; name="a;b"'])
def test_an_attachment_comes_under_every_type_that_an_email_may_give_it(client: Client, content_type: str) -> None:
    email_id = send(client, attachments=[{"filename": "a", "content": "YQ==", "content_type": content_type}])
    assert client.get(f"/v1/emails/{email_id}/attachments/1").headers["content-type"] == content_type


def test_an_attachment_is_saved_and_never_run(client: Client) -> None:
    [page, _, invoice] = client.get(f"/v1/emails/{send(client)}/content").json()["attachments"]
    answer = client.get(page["url"])
    assert (answer.content, answer.headers["content-type"]) == (PAGE, "text/html")
    assert answer.headers["content-disposition"] == 'attachment; filename="page.html"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"
    told = client.get(invoice["url"]).headers["content-disposition"]
    found = re.fullmatch(r"attachment; filename=\"([ -!#-~]+)\"; filename\*=UTF-8''([\w%.-]+)", told)
    assert found
    assert (found[1], unquote(found[2])) == ("Rech_nung _.pdf", "Rech_nung ü.pdf")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\\b.txt", "..", "x" * 200, "☃"])
def test_no_name_leads_elsewhere(client: Client, name: str) -> None:
    email_id = send(client, attachments=[{"filename": name, "content": "YQ==", "content_type": "text/plain"}])
    answer = client.get(f"/v1/emails/{email_id}/attachments/1")
    told = unquote(answer.headers["content-disposition"].rpartition("=")[2].strip('"'))
    assert answer.content == b"a"
    assert told
    assert not re.search(r"[/\\\r\n]|^\.", told)


@pytest.mark.parametrize("number", ["0", "4", "-1", "99999999999999999999"])
def test_there_is_no_other_attachment(client: Client, number: str) -> None:
    email_id = send(client)
    answer = client.get(f"/v1/emails/{email_id}/attachments/{number}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"this email has 3 attachments; GET /v1/emails/{email_id}/content lists them"


def test_the_raw_email_is_mime_without_bcc(client: Client) -> None:
    email_id = send(client)
    answer = client.get(f"/v1/emails/{email_id}/raw")
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-disposition"] == f'attachment; filename="{email_id}.eml"'
    assert b"audit@example.com" not in answer.content
    message = message_from_bytes(answer.content, policy=policy.default)
    assert [message[name] for name in ("From", "To", "Cc", "Bcc", "Reply-To", "Subject", "X-Campaign")] == [
        "App <app@example.com>",
        "Ann <ann@example.com>",
        "bob@example.com",
        None,
        "Help <help@example.com>, b@example.com",
        "Grüße",
        "spring",
    ]
    assert message["Date"].datetime.tzinfo is not None
    assert message["Message-ID"] == f"<{email_id}.1@example.com>"
    assert sorted(part.get_filename() or "" for part in message.walk() if not part.is_multipart()) == [
        "",
        "",
        'Rech"nung ü.pdf',
        "logo.png",
        "page.html",
    ]


def test_to_nobody_but_bcc_names_nobody(client: Client) -> None:
    email_id = send(client, to=[], cc=[])
    message = message_from_bytes(client.get(f"/v1/emails/{email_id}/raw").content, policy=policy.default)
    assert (message["To"], message["Cc"], message["Bcc"]) == (None, None, None)


READS = ["content", "raw", "attachments/1"]


@pytest.mark.parametrize("damage", ["missing", "damaged", "object"])
def test_a_lost_content_is_told_and_the_story_stays(client: Client, parts: Container, damage: str) -> None:
    email_id = send(client, attachments=large(60_000) if damage == "object" else [])
    item = item_of(email_id)
    if damage == "object":
        parts.accept.contents._s3().delete_object(Bucket="api-content", Key=item.object_key)  # type: ignore[attr-defined] # because only the real store has it
    elif damage == "missing":
        item.delete()
    else:
        item.packed = item.packed[:-5]
        item.save()
    for what in READS:
        answer = client.get(f"/v1/emails/{email_id}/{what}")
        assert (answer.status_code, answer.json()["detail"]) == (404, LOST.replace("{id}", email_id))
    story = client.get(f"/v1/emails/{email_id}")
    assert story.status_code == 200
    kept = DETAILS if damage == "object" else dict.fromkeys(DETAILS)
    assert {name: story.json()[name] for name in DETAILS} == kept


@pytest.mark.parametrize("what", READS)
def test_a_bucket_that_does_not_answer_is_unavailable(
    client: Client, parts: Container, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    email_id = send(client, attachments=large(60_000))

    def nowhere() -> Any:
        raise EndpointConnectionError(endpoint_url="https://s3.invalid")

    monkeypatch.setattr(parts.accept.contents, "_s3", nowhere)
    answer = client.get(f"/v1/emails/{email_id}/{what}")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert client.get(f"/v1/emails/{email_id}").status_code == 200


@pytest.mark.parametrize("what", READS)
def test_another_projects_email_is_not_found(client: Client, parts: Container, what: str) -> None:
    stranger = parts.api_keys.create("stranger", {"read"}, (), project="other")
    assert client.get(f"/v1/emails/{send(client)}/{what}", key=stranger).status_code == 404


# --- Through API Gateway -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("deployed")
def test_bytes_come_through_lambda_as_base64(client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.key}", "Content-Type": "application/json"}
    sent = call(proxy_event("POST", "/v1/emails", headers, body=json.dumps(EMAIL).encode()))  # */* is binary there
    assert sent["statusCode"] == 202
    email_id = json.loads(sent["body"])["id"]
    said = call(proxy_event("GET", f"/v1/emails/{email_id}/content", headers))
    assert said["isBase64Encoded"] is False
    file = json.loads(said["body"])["attachments"][1]
    assert file["url"] == f"/dev/v1/emails/{email_id}/attachments/2"
    answer = call(proxy_event("GET", f"/v1/emails/{email_id}/attachments/2", headers))
    assert (answer["isBase64Encoded"], answer["body"]) == (True, "iVBORw0KGgo=")
    raw = call(proxy_event("GET", f"/v1/emails/{email_id}/raw", headers))
    assert raw["isBase64Encoded"] is True
    assert b"To: Ann <ann@example.com>\r\n" in base64.b64decode(raw["body"])


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("what", "changes", "instead"),
    [
        ("raw", {"text": "ü" * 2_200_000, "html": ""}, "its parts are at"),  # becomes base64 twice
        ("content", {"text": '"' * 2_200_000, "html": ""}, "the whole email is at"),  # each becomes \\\"
    ],
)
def test_what_lambda_would_cut_is_told_there_and_only_there(
    client: Client, what: str, changes: dict[str, Any], instead: str
) -> None:
    email_id = send(client, attachments=[], **changes)
    headers = {"Authorization": f"Bearer {client.key}"}
    answer = call(proxy_event("GET", f"/v1/emails/{email_id}/{what}", headers))
    assert answer["statusCode"] == 413
    problem = json.loads(answer["body"])
    assert f"of which {MOST_BYTES:,} pass; {instead} GET /v1/emails/{email_id}" in problem["detail"]
    assert client.get(f"/v1/emails/{email_id}/{what}").status_code == 200


@pytest.mark.usefixtures("deployed")
def test_the_largest_attachment_that_can_be_sent_comes_through(client: Client) -> None:
    content = base64.b64encode(b"a" * 3_300_000).decode()
    email_id = send(client, attachments=[{"filename": "a.bin", "content": content}], text="a", html="")
    headers = {"Authorization": f"Bearer {client.key}"}
    answer = call(proxy_event("GET", f"/v1/emails/{email_id}/attachments/1", headers))
    assert answer["statusCode"] == 200
    assert len(json.dumps(answer)) <= MOST_BYTES
