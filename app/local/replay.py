"""Replays a webhook through the simulator that runs on this machine."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import httpx

from app.local import ports
from app.local.mode import LocalError
from app.local.simulator.replay import Answer

_TIMEOUT_S: Final = 30.0  # longer than the simulator waits for the app


def replay(env: Mapping[str, str], account: str, body: bytes) -> Answer:
    """Let the simulator post `body` to the app as `account` would. Returns the app's answer.

    Raises LocalError, whose message says why: no simulator, no such account, no such webhook, no answer of the app.
    """
    url = f"{ports.read(env).simulator_url}/control/providers/{quote(account, safe=':')}/webhook"
    try:
        answer = httpx.post(url, content=body, timeout=_TIMEOUT_S, trust_env=False)
        content = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise LocalError(f"The provider simulator does not answer on {url}: start it with make run") from error
    if not answer.is_success:
        raise LocalError(f"{account}: {content['error']}")
    return Answer(content["status"], content["body"])
