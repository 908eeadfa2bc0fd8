"""Organizational domains."""

import pytest

from app.providers.sdk.organization import organization


@pytest.mark.parametrize(
    ("domain", "organizational"),
    [
        ("example.com", "example.com"),
        ("mg.example.com", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("mg.xn--bcher-kva.de", "xn--bcher-kva.de"),
        ("mg.acme.unknown-ending", "acme.unknown-ending"),
        ("team.github.io", "team.github.io"),  # a suffix under which strangers have names
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
    ],
)
def test_the_organizational_domain(domain: str, organizational: str) -> None:
    assert organization(domain) == organizational
