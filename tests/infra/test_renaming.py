"""An environment under another name would begin with empty tables: that is refused, or said."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.errors import ConfigurationError
from infra import next_step, renaming, settings_check
from infra.stack import Stack
from infra.stages import SETTINGS


@pytest.fixture
def table(new_stack: Stack) -> Iterator[Any]:
    """Makes tables that are of no stack, which are gone in the end."""
    client, made = new_stack.client("dynamodb"), list[str]()

    def make(name: str) -> None:
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        made.append(name)

    yield make
    for name in made:
        client.delete_table(TableName=name)


def settings(folder: Path, *environments: str) -> Path:
    file = folder / "zappa_settings.json"
    file.write_text(json.dumps({name: {} for name in environments}))
    return file


def test_a_new_name_is_refused_while_there_are_tables_of_the_old_one(
    new_stack: Stack, table: Any, tmp_path: Path
) -> None:
    old = f"y{uuid4().hex[:8]}"
    table(f"emailsminder-{old}-emails")
    file = settings(tmp_path, new_stack.environment, f"{new_stack.environment}_sweep")
    with pytest.raises(
        ConfigurationError,
        match=rf"^{new_stack.environment}: there is no such .* is emailsminder-{old}-emails.*keep the name that the"
        r" environment had; if not, say NEW_TABLES=on$",
    ):
        renaming.check(new_stack, file, {})
    renaming.check(new_stack, file, {"NEW_TABLES": "on"})
    renaming.check(new_stack, settings(tmp_path, new_stack.environment, old), {})


def test_tables_that_were_restored_for_the_environment_are_not_forgotten(
    new_stack: Stack, table: Any, tmp_path: Path
) -> None:
    table(f"emailsminder-{new_stack.environment}-restored-emails")
    with pytest.raises(ConfigurationError, match="restored-emails"):
        renaming.check(new_stack, settings(tmp_path, new_stack.environment), {})


def test_an_environment_that_is_there_and_its_own_tables_are_no_renaming(
    new_stack: Stack, table: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = settings(tmp_path, new_stack.environment)
    renaming.check(new_stack, file, {})
    new_stack.apply({"DeletionProtection": "false"}, {})
    assert f"The environment {new_stack.environment} is new, and its tables are empty" in capsys.readouterr().out
    table(f"emailsminder-y{uuid4().hex[:8]}-emails")
    renaming.check(new_stack, file, {})
    new_stack.apply({"DeletionProtection": "false"}, {})
    assert capsys.readouterr().out == ""


def test_make_deploy_refuses_it_first_of_all(
    new_stack: Stack, table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = json.loads(SETTINGS.read_text())
    named = {name.replace("dev", new_stack.environment): stage for name, stage in stages.items() if "dev" in name}
    for stage in named.values():
        stage["extends"] = {"dev": new_stack.environment}.get(stage["extends"], stage["extends"])
    file = tmp_path / "zappa_settings.json"
    file.write_text(json.dumps(stages | named))
    for module in ("stages", "commands", "next_step"):
        monkeypatch.setattr(f"infra.{module}.SETTINGS", file)
    monkeypatch.setattr("infra.stages.settings.__defaults__", (file,))
    monkeypatch.setattr("infra.stages.read.__defaults__", (file,))
    monkeypatch.setattr("infra.parameters.parameters.__defaults__", (file,))
    monkeypatch.setattr("sys.argv", ["next_step", f"{new_stack.environment}_attempts_urgent"])
    table(f"emailsminder-y{uuid4().hex[:8]}-emails")
    with pytest.raises(SystemExit, match="there is no such environment yet, it would begin with empty tables"):
        next_step.main()


def test_the_project_keeps_its_name_and_the_prefix_is_no_setting(tmp_path: Path) -> None:
    stages = json.loads(SETTINGS.read_text())
    stages["production"]["project_name"] = "mails"
    stages["production"]["stack"]["TablePrefix"] = "mails-"
    file = tmp_path / "zappa_settings.json"
    file.write_text(json.dumps(stages))
    with pytest.raises(ConfigurationError) as told:
        settings_check.check(file)
    assert 'production: project_name must be "emailsminder": every name begins with it' in str(told.value)
    assert "production: stack: there is no TablePrefix" in str(told.value)
