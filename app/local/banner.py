"""The text that the terminal shows when everything answers."""

import json
from collections.abc import Sequence

from app.local.mode import API_KEY, API_KEY_NAME, TEST_KEY
from app.local.ports import Ports

EMAIL = {
    "from": "App <no-reply@example.com>",
    "to": ["alice@example.net"],
    "subject": "Hello from EmailsMinder",
    "text": "It works.",
}
ADMIN = ".venv/bin/python -m app.admin"


def curl(ports: Ports, key: str = API_KEY) -> str:
    """A command to paste, which sends an email."""
    return (
        f"curl -sS {ports.api_url}/v1/emails "
        f"-H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{json.dumps(EMAIL)}'"
    )


def text(ports: Ports, draining: Sequence[str] = (), real: Sequence[str] = (), *, is_revoked: bool = False) -> str:
    """The whole banner.

    `draining` are the accounts that left PROVIDERS and whose webhooks are still taken, `real` those of PROVIDERS that
    are not simulated. `is_revoked`: the key that everybody knows works no more.
    """
    key = "YOUR_KEY" if is_revoked else API_KEY
    notes = (_of_revoked() if is_revoked else "", _of_real(real, is_revoked=is_revoked), _of_draining(draining))
    return f"""
EmailsMinder runs on this machine, with its own AWS and {"real" if real else "simulated"} providers.

  The playground    {ports.simulator_url}
  The API           {ports.api_url}/docs        (Authorize with {key})

Break a provider, send an email and watch it arrive, on the playground; or send one from here:

  {curl(ports, key)}

then read its story:

  curl -sS {ports.api_url}/v1/emails/ID -H 'Authorization: Bearer {key}'

For the tests of your programs there is {TEST_KEY}, which reaches nobody: docs/testing.md

{"".join(notes)}
Ctrl-C stops everything. The emails are on disk.
"""


def _of_draining(accounts: Sequence[str]) -> str:
    return f"\nDraining, since PROVIDERS no longer names them: {', '.join(accounts)}\n" if accounts else ""


def _of_revoked() -> str:
    return f"""
{API_KEY} is revoked and stays so; the playground, which has no other key, shows no stories and sends nothing. Another:

  {ADMIN} keys create NAME --scope admin
"""


def _of_real(accounts: Sequence[str], *, is_revoked: bool) -> str:
    if not accounts:
        return ""
    said = f"""
NOT SIMULATED: {", ".join(accounts)}. What is sent through them may cost money and reaches people: by the playground, by
every program of this machine that has a key, and what waits from an earlier run.
"""
    if is_revoked:
        return said
    return f"""{said}Everybody knows {API_KEY}. This prints a random key in its place, and revokes it:

  {ADMIN} keys replace '{API_KEY_NAME}'
"""
