"""The steps that send: to the mailbox simulator of Amazon SES, which answers as real mailboxes do.

Emails to it cost what emails cost, harm no reputation, and may be sent from the sandbox, too ("Using the mailbox
simulator manually", Amazon SES Developer Guide).
"""

import time
from typing import Any, Final

from app.domain.account import provider_of
from app.errors import ConfigurationError
from app.settings import Settings
from infra.smoke.run import SmokeError, until
from infra.smoke.world import World

SIMULATOR: Final = "simulator.amazonses.com"
# The mailbox → what the story of an email to it says in the end.
ENDS: Final = {"success": "delivered", "bounce": "bounced", "complaint": "complained"}
SENT_WITHIN_S: Final = 120
REPORTED_WITHIN_S: Final = 300


def require_ses(settings: dict[str, Any]) -> None:
    """Raise ConfigurationError, with what to write, if SES does not send first, or reports nothing."""
    stack = settings.get("stack", {})
    accounts = Settings.from_env(settings.get("aws_environment_variables", {})).providers
    if not accounts or provider_of(accounts[0]) != "ses" or stack.get("SesEvents") != "on":
        raise ConfigurationError(
            "the simulator is Amazon SES's: in zappa_settings.json, PROVIDERS must begin with ses, and `stack` have"
            ' "SesEvents": "on" and "SesIdentityArns": "arn:aws:ses:REGION:ACCOUNT:identity/example.com"; or say'
            " ARGS='--without events'"
        )


def sender(settings: dict[str, Any]) -> str:
    """An address that may send: the first verified one, or one of the first verified domain."""
    found = settings.get("stack", {}).get("SesIdentityArns", "")
    arns = found if isinstance(found, list) else str(found).split(",")
    identity = arns[0].strip().partition(":identity/")[2] or "example.com"
    return identity if "@" in identity else f"smoke@{identity}"


def send(world: World) -> None:
    """An email to each mailbox is accepted, and a provider takes it."""
    sent = {mailbox: post(world, mailbox) for mailbox in ENDS}
    world.note(sent=sent, sent_at=time.time())
    for email_id in sent.values():
        taken(world, email_id)


def post(world: World, mailbox: str, **more: str) -> str:
    """Send an email to a mailbox of the simulator, with these fields more; its id."""
    email = {
        "from": sender(world.settings),
        "to": [f"{mailbox}@{SIMULATOR}"],
        "subject": "EmailsMinder smoke test",
        "text": f"To the mailbox {mailbox} of the simulator.",
        **more,
    }
    with world.api() as api:
        answer = api.post("/v1/emails", json=email)
    if answer.status_code != 202:
        raise SmokeError(f"an email to {email['to'][0]} was answered with {answer.status_code}: {answer.text}")
    return str(answer.json()["id"])


def story(world: World, email_id: str) -> dict[str, Any]:
    """What became of an email."""
    with world.api() as api:
        answer = api.get(f"/v1/emails/{email_id}")
    if answer.status_code != 200:
        raise SmokeError(f"the story of {email_id} was answered with {answer.status_code}: {answer.text}")
    return dict(answer.json())


def taken(world: World, email_id: str) -> None:
    """Wait until a provider took an email."""
    until(
        f"{email_id}: a provider took it",
        lambda: any(one["outcome"] == "accepted" for one in story(world, email_id)["attempts"]),
        SENT_WITHIN_S,
        world.wait,
    )


def events(world: World) -> None:
    """SES's reports come back through the topic and the webhook, and each email ends as its mailbox says."""
    require_ses(world.settings)
    if "sent" not in world.notes:
        raise SmokeError("nothing was sent: run the step send first")
    for mailbox, email_id in world.notes["sent"].items():
        until(
            f"{email_id} to {mailbox}@: {ENDS[mailbox]}",
            lambda email_id=email_id, mailbox=mailbox: (  # type: ignore[misc] # because the defaults have no types
                story(world, email_id)["recipients"][0]["status"] == ENDS[mailbox]
            ),
            REPORTED_WITHIN_S,
            world.wait,
        )
