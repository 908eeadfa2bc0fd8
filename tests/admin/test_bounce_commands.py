"""`python -m app.admin bounces`: needs no installation, and the committed page holds the rules of the code."""

from pathlib import Path

from typer.testing import CliRunner

from app.admin import bounces
from app.admin.__main__ import app
from app.providers.sdk.bounces import RULES, Proven

PAGE = (Path(__file__).parents[2] / "docs" / "bounces.md").read_text()


def _run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["bounces", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_explain_says_what_is_proven_by_which_rule_and_from_where() -> None:
    assert _run("explain", "550 5.1.1 <ann@example.net> has sent to too many recipients this hour. IB607") == (
        "blocked: it is about us: the next provider is asked\n"
        "rule: godaddy-us\n"
        "source: GoDaddy, Fix rejected email (2025)\n"
    )


def test_explain_takes_the_parts_of_a_report() -> None:
    assert _run("explain", "450 4.2.0 later").startswith("delayed: ")
    assert _run("explain", "450 4.2.0 later", "--action", "failed").startswith("soft bounce: ")
    assert _run("explain", "", "--status", "5.1.1").startswith("hard bounce: ")
    assert _run("explain", "", "--code", "556").startswith("hard bounce: ")


def test_every_kind_of_proof_has_a_consequence() -> None:
    assert bounces.FOLLOWS.keys() == set(Proven)


def test_the_committed_page_has_the_rules_of_the_code() -> None:
    assert _run("rules") == bounces.table()
    assert bounces.table() in PAGE
    assert bounces.table().count("\n") == len(RULES) + 2


def test_the_committed_page_says_what_follows() -> None:
    for proven in Proven:
        assert f"| *{proven}* |" in PAGE
