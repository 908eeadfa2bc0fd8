"""The package has botocore's description of every service that deployed code makes a client of, and of no other."""

import ast
from collections.abc import Iterator
from functools import cache

import botocore.session

from infra.package import OURS_UNUSED, SERVICES, SOURCES
from tests.support.installation import ROOT

BY_PYNAMODB = "dynamodb"
KNOWN = frozenset(botocore.session.get_session().get_available_services())
SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return)


@cache
def trees() -> dict[str, ast.AST]:
    """What is deployed."""
    return {
        name: ast.parse(path.read_text())
        for source in SOURCES
        for path in (ROOT / source).rglob("*.py")
        if not (name := path.relative_to(ROOT).as_posix()).startswith(OURS_UNUSED)
    }


def mentions(tree: ast.AST) -> int:
    """How often `aws.client` stands here, called or handed on."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "client"]
    return sum(isinstance(node.value, ast.Name) and node.value.id == "aws" for node in found)


def named(statement: ast.AST) -> set[str]:
    """The services that a statement names."""
    texts = {node.value for node in ast.walk(statement) if isinstance(node, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and text in KNOWN}


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """The statements that make clients."""
    return (node for node in ast.walk(tree) if isinstance(node, SIMPLE) and mentions(node))


def test_what_the_code_asks_for_is_packed() -> None:
    asked = {service for tree in trees().values() for statement in statements(tree) for service in named(statement)}
    assert asked | {BY_PYNAMODB} == set(SERVICES)


def test_whoever_makes_a_client_says_of_what_in_the_same_statement() -> None:
    """So that the test above misses none."""
    for name, tree in trees().items():
        assert sum(map(mentions, statements(tree))) == mentions(tree), f"{name}: in a statement of another kind"
        for statement in statements(tree):
            assert named(statement), f"{name}: {ast.unparse(statement)}"


def test_clients_are_made_in_one_place() -> None:
    makers = {name for name, tree in trees().items() if "create_client" in ast.dump(tree)}
    assert makers == {"app/wiring/aws.py"}
    importers = {
        name
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "app.wiring.aws" and "client" in ast.dump(node)
    }
    assert importers == set(), "call it as aws.client"
