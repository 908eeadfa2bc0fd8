"""The list of where an email's links lead, whatever HTML they are written in."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.local.playground.links import MOST, is_web, links


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<a href="https://example.com/?a=1&amp;b=2">x</a>', "https://example.com/?a=1&b=2"),
        ("<A class='b' HREF = 'http://example.com/x'>x</A>", "http://example.com/x"),
        ("<area href=https://example.com/y>", "https://example.com/y"),
        ('<a data-href="no" href="https://example.com/z">', "https://example.com/z"),
        ('<a href="javascript:alert(1)">', "javascript:alert(1)"),
        ("<a/href=https://example.com>x</a>", "https://example.com"),
        ('<a title=">" href="https://example.com">', "https://example.com"),
        ('<a x="<" href="https://example.com">', "https://example.com"),
        ('<a x="href=\'" href="https://example.com" y="\'">', "https://example.com"),
        ('<a\x0chref\n=\n"https://example.com">', "https://example.com"),
        ('<a ="> <a href="https://example.com">', "https://example.com"),
        ('<a x=y="> <a href="https://example.com">', "https://example.com"),
        ("<a href=https://example.com href=other>", "https://example.com"),
        ('<p title="<a href=no>"><a href=https://example.com>', "https://example.com"),
        ("<!--><a/href=https://example.com>-->", "https://example.com"),
        ("<!--a--!><a/href=https://example.com><!--<a href=no>-->", "https://example.com"),
        ('<template shadowrootmode="open"><a/href="https://example.com"></template>', "https://example.com"),
        ('<svg><a xlink:href="https://example.com">', "https://example.com"),
        ('<svg><a><set attributeName="href" to="https://example.com"/></a></svg>', "https://example.com"),
        ('<svg><a><animate values="https://example.com;" attributeName=xlink:href>', "https://example.com"),
    ],
)
def test_links_are_told(html: str, found: str) -> None:
    assert links(html) == (found,)
    assert is_web(found) == found.startswith("http")


@pytest.mark.parametrize("html", ["<link href=a>", "<set attributeName=x to=a>", "<a-b href=a>", "<!-- <a href=a>"])
def test_nothing_else_is_told(html: str) -> None:
    assert links(html) == ()


def test_links_are_bounded() -> None:
    assert len(links("".join(f'<a href="https://example.com/{n}">' for n in range(500)))) == MOST


@given(st.text(alphabet="<>ahref='\"/ -!", max_size=300))
def test_no_html_is_too_odd(html: str) -> None:
    assert "" not in links(html)


@pytest.mark.parametrize(
    "part",
    ["<a ", "<a href=", '<a href="', "<a href ", "<", "<link", "<!--", "<a x='", "<a\n/", "<a =", "<a x= \"'"],
)
def test_long_html_takes_no_long_time(part: str) -> None:
    html = part * (2_000_000 // len(part))
    began_s = time.process_time()
    links(html)
    assert time.process_time() - began_s < 5
