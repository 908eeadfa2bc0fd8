"""The same email, as each provider's own call brings it to that provider."""

import base64
import html
import re
import uuid
from typing import Any
from urllib.parse import unquote

import botocore.session
import pytest

from app.domain.account import prefix_of
from app.domain.email import Attachment, Content, Mailbox, Message
from app.local.simulator import accounts
from app.providers import registry
from app.providers.sdk.contract import Outside
from tests.local.simulator.rig import CASES, Rig

RED, BLUE, PDF = b"\x89PNG red", b"\x89PNG blue", b"%PDF-1.7"
# Two files of the same name, and ids as mail programs write them: with an @, which HTML may write in several ways.
FILES = (
    Attachment("bill.pdf", "application/pdf", PDF),
    Attachment("logo.png", "image/png", RED, "red@mail.example.com"),
    Attachment("logo.png", "image/png", BLUE, "blue"),
)
HTML = """<p style="background: url(cid:blue)">The text cid:blue stays.</p>
<img src="cid:red@mail.example.com"><img src='CID:red%40mail.example.com'><img src=cid:red&#64;mail.example.com>
<img srcset="cid:blue 1x, cid:red@mail.example.com 2x"><a href="https://example.com/?cid=blue">cid</a>"""


BO = Mailbox("bo@example.com")


def send(rig: Rig, account: str, content: Content, bo: Mailbox = BO) -> dict[str, Any]:
    """The email as the simulator took it from the call that the product makes."""
    env = {**accounts.credentials(account), f"{prefix_of(account)}BASE_URL": rig.base_url(account)}
    provider = registry.open_account(account, env, Outside(botocore.session.get_session(), lambda _: b""))
    to = (bo,)
    message = Message(
        email_id=f"em_{uuid.uuid4().hex}",
        attempt=1,
        sender=Mailbox("app@example.com"),
        to=to,
        cc=(),
        bcc=(),
        visible_to=to,
        visible_cc=(),
        content=content,
    )
    answer = rig.http.send(provider.build(message))
    assert answer.is_success, answer.text
    (entry,) = (
        one for one in rig.control.get("/messages").json() if one["metadata"].get("em_email_id") == message.email_id
    )
    return dict(entry)


def pictures(entry: dict[str, Any]) -> list[bytes | None]:
    """What each `cid:` URL of the HTML shows."""
    files = {one["content_id"]: base64.b64decode(one["content"]) for one in entry["attachments"] if one["content_id"]}
    urls = re.findall(r"""["'=(,] ?cid:([^"'\s<>),]+)""", entry["html"], re.IGNORECASE)
    return [files.get(unquote(html.unescape(url))) for url in urls]


@pytest.mark.parametrize("account", CASES)
def test_the_html_shows_the_same_pictures_at_every_provider(rig: Rig, account: str) -> None:
    entry = send(rig, account, Content("Hello", "words", HTML, attachments=FILES))

    assert pictures(entry) == [BLUE, RED, RED, RED, BLUE, RED]
    assert "The text cid:blue stays." in entry["html"]
    assert 'href="https://example.com/?cid=blue"' in entry["html"]
    # Each file has its own name, with a number at most: hosts take `logo@mail.example.com` for a program.
    named = {base64.b64decode(one["content"]): one["filename"] for one in entry["attachments"]}
    own = {content: re.sub(r"-2(?=\.png$)", "", name) for content, name in named.items()}
    assert own == {file.content: file.filename for file in FILES}


@pytest.mark.parametrize("account", CASES)
def test_a_picture_shows_whatever_its_file_is_called(rig: Rig, account: str) -> None:
    file = Attachment("My logo (1)@2x.png", "image/png", RED, "logo")
    entry = send(rig, account, Content("Hello", "", '<img src="cid:logo">', attachments=(file,)))

    assert pictures(entry) == [RED]


@pytest.mark.parametrize("account", CASES)
@pytest.mark.parametrize(
    "subject", ["Hello", "Grüße 🎉", "=?utf-8?q?=48i?= there", "Grüße =?utf-8?q?=48i?=", ("word " * 190).strip()]
)
@pytest.mark.parametrize("name", ["Bo", "Bo, née Ö", 'B"o', "=?utf-8?q?x?=", "a =? b"])
def test_a_subject_and_a_name_arrive_literally_at_every_provider(
    rig: Rig, account: str, subject: str, name: str
) -> None:
    entry = send(rig, account, Content(subject, "words"), Mailbox("bo@example.com", name))
    assert (entry["subject"], entry["to"]) == (subject, [f"{name} <bo@example.com>"])


@pytest.mark.parametrize("account", CASES)
def test_headers_arrive_the_same_at_every_provider(rig: Rig, account: str) -> None:
    headers = {
        "References": " ".join(f"<{number}.0123456789abcdef0123456789abcdef@mail.example.com>" for number in range(25)),
        "List-Unsubscribe": "<https://x.example/u?a==?utf-8?q?b?=>, <mailto:u@x.example?subject=stop>",
        "List-Help": f"<https://x.example/{'h' * 970}>",
        "List-Id": "Grüße der Woche <list.example>",
        "X-A": "grün",
        "X-B": "=?utf-8?q?x?=",
        "X-C": "w " * 400 + "w",
    }
    assert send(rig, account, Content("Hello", "words", headers=tuple(headers.items())))["headers"] == headers
