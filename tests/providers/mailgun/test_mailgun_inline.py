"""Inline files at Mailgun: their names, and the HTML that refers to them."""

import pytest

from app.domain.email import Attachment
from app.providers.mailgun import inline


def files(*named: tuple[str, str]) -> list[Attachment]:
    return [Attachment(filename, "", b"x", content_id) for filename, content_id in named]


def test_a_name_is_made_safe_and_used_once() -> None:
    given = files(
        ("a b.png", "1"), ("a b.png", "2"), ("a-b-2.png", "3"), ("ü", "4"), ("ü.png", "5"), (".x", "6"), ("b", "")
    )
    assert inline.names(given) == {
        "1": "a-b.png",
        "2": "a-b-2.png",
        "3": "a-b-2-2.png",
        "4": "file",
        "5": "file.png",
        "6": "file.x",
    }


@pytest.mark.parametrize(
    ("html", "rewritten"),
    [
        ('<img src="cid:a@b">', '<img src="cid:a.png">'),
        ("<img src='cid:a%40b'>", "<img src='cid:a.png'>"),
        ("<img src=cid:a&#64;b>", "<img src=cid:a.png>"),
        ('<img src="CID:a@b">', '<img src="cid:a.png">'),
        ('<p style="background:url( cid:a@b )">', '<p style="background:url( cid:a.png )">'),
        ('<img src="cid:a&#x40;b">', '<img src="cid:a.png">'),
        ('<img src="cid:a&commat;b">', '<img src="cid:a.png">'),
        ('<p style="background:url(&quot;cid:a@b&quot;)">', '<p style="background:url(&quot;cid:a.png&quot;)">'),
        ("<p style='background:url(&#39;cid:a@b&#39;)'>", "<p style='background:url(&#39;cid:a.png&#39;)'>"),
        ('<img srcset="cid:a@b 1x, cid:a&#64;b 2x">', '<img srcset="cid:a.png 1x, cid:a.png 2x">'),
        ('<img src="cid:other">', '<img src="cid:other">'),
        ("a text with cid:a@b in it", "a text with cid:a@b in it"),
        ('<a href="https://x.example/cid:a@b">', '<a href="https://x.example/cid:a@b">'),
    ],
)
def test_only_urls_of_our_files_are_rewritten(html: str, rewritten: str) -> None:
    assert inline.rewritten(html, {"a@b": "a.png"}) == rewritten


def test_without_inline_files_the_html_is_as_given() -> None:
    assert inline.rewritten('<img src="cid:a">', inline.names(files(("a.png", "")))) == '<img src="cid:a">'
