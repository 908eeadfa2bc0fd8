"""What the roles of the template allow on the tables, and what the code asks of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.store.head_items import HeadItem
from app.store.tables import MODELS
from infra.template import tables
from tests.infra.template import load

Asked = dict[str, set[str]]


@contextmanager
def asked() -> Iterator[Asked]:
    """What is asked of the tables meanwhile: the actions, by the name of the table without its prefix."""
    found: Asked = {}
    names = {models[0].Meta.table_name: name for name, models in MODELS.items()}

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        for table in [params["TableName"]] if "TableName" in params else params["RequestItems"]:
            found.setdefault(names[table], set()).add(f"dynamodb:{model.name}")

    events = HeadItem._get_connection().connection.client.meta.events
    events.register("before-parameter-build.dynamodb", note)
    try:
        yield found
    finally:
        events.unregister("before-parameter-build.dynamodb", note)


def rights(role: str) -> Asked:
    """What a role of the template allows, by the same names."""
    found = {name: _allowed(role, logical) for logical, name in tables().items()}
    return {name: actions for name, actions in found.items() if actions}


def _allowed(role: str, table: str) -> set[str]:
    (policy,) = load()["Resources"][role]["Properties"]["Policies"]
    found: set[str] = set()
    for statement in policy["PolicyDocument"]["Statement"]:
        if isinstance(statement, dict) and statement.get("Resource") == {"GetAtt": f"{table}.Arn"}:
            actions = statement["Action"]
            found |= {actions} if isinstance(actions, str) else set(actions)
    return found
