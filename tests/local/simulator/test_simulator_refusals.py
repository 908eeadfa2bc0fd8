"""The simulated providers refuse what the real ones refuse, in their words, and take nothing of it."""

import pytest

from tests.local.simulator.rig import CASES, Rig


@pytest.mark.parametrize(("provider", "words"), [(name, words) for name in CASES for words in CASES[name].refused])
def test_what_is_wrong_is_said(rig: Rig, provider: str, words: str) -> None:
    answer = rig.http.send(CASES[provider].refused[words](rig.base_url(provider)))

    assert CASES[provider].said(answer).startswith(words)
    assert rig.inbox("refused") == []
