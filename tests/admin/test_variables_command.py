"""`python -m app.admin variables`: what is committed is fresh, and every declared variable is documented."""

from pathlib import Path

import pytest

from app.admin import variables
from app.admin.variables import Form
from app.providers import registry
from app.settings import ACCOUNT_VARIABLES

ROOT = Path(__file__).parents[2]
COMMITTED = {Form.EXAMPLE: ROOT / ".env.example", Form.PAGE: ROOT / "docs" / "providers" / "variables.md"}


@pytest.mark.parametrize("form", Form)
def test_the_committed_file_is_fresh(
    form: Form, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    variables.show(form)
    assert capsys.readouterr().out == COMMITTED[form].read_text()


def test_every_variable_of_every_provider_is_in_both() -> None:
    for name in registry.PROVIDERS:
        for variable in (*(one.name for one in registry.declaration(name).variables), *ACCOUNT_VARIABLES):
            assert f"\n#{name.upper()}_{variable}=" in COMMITTED[Form.EXAMPLE].read_text()
        for declared in registry.declaration(name).variables:
            assert f"| `{name.upper()}_{declared.name}` |" in COMMITTED[Form.PAGE].read_text()


def test_the_variables_of_every_account_are_those_that_the_settings_read() -> None:
    assert tuple(variable.name for variable in variables.GENERIC) == ACCOUNT_VARIABLES
