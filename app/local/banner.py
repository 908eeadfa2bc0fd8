"""The text that the terminal shows when everything answers."""

import json

from app.local.mode import API_KEY
from app.local.ports import Ports

EMAIL = {
    "from": "App <no-reply@example.com>",
    "to": ["alice@example.net"],
    "subject": "Hello from EmailsMinder",
    "text": "It works.",
}


def curl(ports: Ports) -> str:
    """A command to paste, which sends an email through the simulated providers."""
    return (
        f"curl -sS {ports.api_url}/v1/emails "
        f"-H 'Authorization: Bearer {API_KEY}' -H 'Content-Type: application/json' -d '{json.dumps(EMAIL)}'"
    )


def text(ports: Ports, draining: tuple[str, ...] = ()) -> str:
    """The whole banner. `draining` are the accounts that left PROVIDERS and whose webhooks are still taken."""
    left = f"\nDraining, since PROVIDERS no longer names them: {', '.join(draining)}\n" if draining else ""
    return f"""
EmailsMinder runs on this machine, with its own AWS and simulated providers.

  The playground    {ports.simulator_url}
  The API           {ports.api_url}/docs        (Authorize with {API_KEY})

Break a provider, send an email and watch it arrive, on the playground; or send one from here:

  {curl(ports)}

then read its story:

  curl -sS {ports.api_url}/v1/emails/ID -H 'Authorization: Bearer {API_KEY}'

{left}
Ctrl-C stops everything. The emails are on disk.
"""
