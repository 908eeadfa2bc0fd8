"""The keys of zappa_settings.json are those that the Zappa which deploys reads."""

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
