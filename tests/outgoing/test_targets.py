"""A URL is read once, strictly; no spelling of a private host passes, and each refusal says what to write instead."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.outgoing.targets import Target, read_target
from tests.support.size import examples

GOOD = {
    "https://hooks.example.com": Target("https", "hooks.example.com", 443, "/"),
    "https://hooks.example.com/": Target("https", "hooks.example.com", 443, "/"),
    "https://Hooks.Example.com/a/b?c=d&e=%20": Target("https", "hooks.example.com", 443, "/a/b?c=d&e=%20"),
    "https://hooks.example.com?c=d": Target("https", "hooks.example.com", 443, "/?c=d"),
    "https://hooks.example.com:8443/x": Target("https", "hooks.example.com", 8443, "/x"),
    "https://xn--bcher-kva.example/x": Target("https", "xn--bcher-kva.example", 443, "/x"),
    "https://a_b.example.com:443/": Target("https", "a_b.example.com", 443, "/"),
    "https://8.8.8.8/": Target("https", "8.8.8.8", 443, "/"),
    "https://[2606:4700:4700::1111]:9000/": Target("https", "[2606:4700:4700::1111]", 9000, "/"),
}
HERE = {
    "http://localhost:3000/hook": ("127.0.0.1", "::1"),
    "http://localhost/hook": ("127.0.0.1", "::1"),
    "https://localhost:3000/hook": ("127.0.0.1", "::1"),
    "http://127.0.0.1:80/hook": ("127.0.0.1",),
    "http://[::1]:3000/hook": ("::1",),
}
# Every way to write this machine, or another that is nobody's business, but the three plain ones.
HIDDEN = [
    "2130706433", "0x7f000001", "0x7f.0.0.1", "0X7F.0x0.0x0.0x1", "0177.0.0.1", "017700000001", "127.1", "127.0.1",
    "127.0.0.01", "0127.0.0.1", "127.0.0.1.", "127.0.0.1.1", "127.0.0.256", "127.0.0.2", "0", "0.0.0.0", "0x",
    "1.0x", "localhost.", "LOCALHOST", "Localhost", "app.localhost", "localhost.localdomain", "[::]",
    "[0:0:0:0:0:0:0:1]", "[::0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fe80::1%25eth0]", "[::1%25lo]", "[fd00:ec2::254]",
    "169.254.169.254", "2852039166", "metadata.google.internal", "metadata", "intranet", "printer.local", "10.0.0.1",
    "192.168.0.1", "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "１２７.０.０.１", "127。0。0。1", "ⓛocalhost", "[::1]x",
    "x[::1]", "[::1", "::1", "127.0.0.1:80:80", "1.0.0.127.in-addr.arpa",
]  # fmt: skip


@pytest.mark.parametrize("is_local", [False, True])
@pytest.mark.parametrize("url", GOOD)
def test_a_public_url_is_read(url: str, is_local: bool) -> None:
    target = read_target(url, is_local=is_local)
    assert target == GOOD[url]
    assert target.fixed_addresses == ()


@pytest.mark.parametrize("url", HERE)
def test_this_machine_is_called_in_local_mode_only(url: str) -> None:
    assert read_target(url, is_local=True).fixed_addresses == HERE[url]
    with pytest.raises(ValueError, match=r"which only a network|may not be called|which is not its plain"):
        read_target(url, is_local=False)


@pytest.mark.parametrize("is_local", [False, True])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", HIDDEN)
def test_no_other_spelling_of_a_private_host_passes(host: str, scheme: str, is_local: bool) -> None:
    for port in ("", ":8080"):
        with pytest.raises(ValueError, match=r"\w"):
            read_target(f"{scheme}://{host}{port}/hook", is_local=is_local)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/", "must begin with https://"),
        ("ftp://hooks.example.com/", "must begin with https:// and name a host"),
        ("HTTPS://hooks.example.com/", "must begin with https:// and name a host"),
        ("//hooks.example.com/", "must begin with https:// and name a host"),
        ("https:///hook", "must begin with https:// and name a host"),
        ("hooks.example.com", "must begin with https:// and name a host"),
        ("", "must begin with https:// and name a host"),
        ("https://user:pass@hooks.example.com/", "has a user or a password; the signature proves who calls"),
        ("https://hooks.example.com@127.0.0.1/", "has a user or a password; the signature proves who calls"),
        ("https://127.0.0.1\\@hooks.example.com/", "has a character that a URL has not"),
        ("https://hooks.example.com/#x", "has a fragment (#…), which is never sent; leave it out"),
        ("https://hooks.example.com/ x", "has a character that a URL has not"),
        ("https://hooks.example.com/\r\nHost: x", "has a character that a URL has not"),
        ("https://hooks.example.com/\x00", "has a character that a URL has not"),
        ("https://bücher.example/", "write a host with others as xn--…, a path with %XX"),
        ("https://hooks.example.com:25/", "names port 25; ports are 443, and 1024 and above"),
        ("https://hooks.example.com:80/", "names port 80; ports are 443, and 1024 and above"),
        ("https://hooks.example.com:0/", "is no URL like https://HOST/PATH"),
        ("https://hooks.example.com:65536/", "is no URL like https://HOST/PATH"),
        ("https://hooks.example.com:/", "is no URL like https://HOST/PATH"),
        ("https://hooks.example.com:+443/", "is no URL like https://HOST/PATH"),
        ("https://hooks..example.com/", "has no valid host; write it like hooks.example.com"),
        ("https://-hooks.example.com/", "has no valid host; write it like hooks.example.com"),
        (f"https://{'a' * 64}.example.com/", "has no valid host; write it like hooks.example.com"),
        (f"https://{'a.' * 130}example.com/", "has no valid host; write it like hooks.example.com"),
        (f"https://hooks.example.com/{'a' * 2000}", "is longer than 2000 characters"),
        ("https://2130706433/", "is not its plain spelling; write it as four decimal numbers"),
        ("https://10.0.0.1/", "names 10.0.0.1, which may not be called: private; name a public host"),
    ],
)
def test_a_refusal_says_what_is_wrong(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        read_target(url, is_local=False)
    assert why in str(refused.value)


def test_in_local_mode_the_refusal_of_http_names_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"https://; http:// is for localhost, 127.0.0.1 and \[::1\] only"):
        read_target("http://hooks.example.com/", is_local=True)


def test_the_host_header_leaves_out_the_usual_port() -> None:
    assert read_target("https://hooks.example.com:443/", is_local=False).authority == "hooks.example.com"
    assert read_target("https://hooks.example.com:8443/", is_local=False).authority == "hooks.example.com:8443"
    assert read_target("http://[::1]:3000/", is_local=True).authority == "[::1]:3000"
    assert read_target("http://[::1]/", is_local=True).name == "::1"


@settings(max_examples=examples(2000), deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"https?://[-.:\[\]0-9a-fx%@_]{0,30}(/.*)?", fullmatch=True))
def test_any_text_is_read_or_refused(url: str) -> None:
    target = None
    with suppress(ValueError):
        target = read_target(url, is_local=False)
    if target is not None:
        assert target.scheme == "https"
        assert "." in target.host or target.host.startswith("[")
        assert not target.fixed_addresses
