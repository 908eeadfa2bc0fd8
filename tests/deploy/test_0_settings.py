"""What infra/ takes from the Zappa that deploys: the keys of its settings, and where it would publish versions."""

import ast
import re

from infra.zappa_keys import ZAPPA
from tests.deploy.cloud import ROOT


def test_every_key_of_zappa_is_known_and_no_other() -> None:
    (cli,) = (ROOT / ".deploy").glob("lib/python*/site-packages/zappa/cli.py")
    text = cli.read_text()
    read = set(re.findall(r'stage_config(?:\.get\(|\[)\s*"([a-z_0-9]+)"', text))
    custom = re.search(r"CUSTOM_SETTINGS = \[(.*?)\]", text, re.DOTALL)
    assert custom is not None
    assert read | set(re.findall(r'"(\w+)"', custom[1])) | {"extends"} == ZAPPA


def test_zappa_can_be_kept_from_publishing() -> None:
    """infra/release.py does so by an option that Zappa's command line gives to neither function."""
    (cli,) = (ROOT / ".deploy").glob("lib/python*/site-packages/zappa/cli.py")
    core = ast.parse((cli.parent / "core.py").read_text())
    found = {one.name: one for one in ast.walk(core) if isinstance(one, ast.FunctionDef)}
    for name in ("create_lambda_function", "update_lambda_function"):
        assert "publish" in [one.arg for one in found[name].args.args]
        assert re.search(rf"self\.zappa\.{name}\(\*\*kwargs\)", cli.read_text())
    assert "publish" not in re.findall(r"\b(publish)\b *=", cli.read_text())
