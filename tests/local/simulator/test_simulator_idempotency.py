"""The memory of idempotency keys, which dialects share."""

import pytest

from app.local.simulator.dialect import Refused, Repeated, json_reply
from app.local.simulator.idempotency import Answers


def test_the_oldest_keys_are_forgotten() -> None:
    answers = Answers(json_reply(409, {}), known_for_s=60, limit=2)
    for key in ("a", "b", "c"):
        answers.keep(key, b"body", json_reply(200, {"id": key}))

    answers.check("a", b"body")
    for key in ("b", "c"):
        with pytest.raises(Repeated) as known:
            answers.check(key, b"body")
        assert known.value.reply == json_reply(200, {"id": key})
        with pytest.raises(Refused):
            answers.check(key, b"another")


def test_a_key_is_known_as_long_as_the_provider_says() -> None:
    now_s = [1000.0]
    answers = Answers(json_reply(409, {}), known_for_s=60, clock=lambda: now_s[0])
    answers.keep("a", b"body", json_reply(200, {"id": "a"}))
    now_s[0] += 60
    with pytest.raises(Repeated):
        answers.check("a", b"body")
    now_s[0] += 1
    answers.check("a", b"body")
