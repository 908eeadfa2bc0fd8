"""The step that shows what applications are told: the feed, and a webhook to a receiver, which is our own API."""

from typing import Any, Final

from infra.smoke import mail
from infra.smoke.run import SmokeError, until
from infra.smoke.world import World

NOTIFIES_WITHIN_S: Final = 180  # a function starts, the feed holds back ten seconds, a queue its batch for one
RECEIVER: Final = "/v1/webhooks/nobody"  # a path of the API that answers everybody, and changes nothing


def notifies(world: World) -> None:
    """What becomes of an email comes through the stream's filter and its mapping into the feed, and is posted.

    That the receiver answers, whatever it is, shows the rest: the queue's mapping polls it, the message has the form
    that the subscription gives it, the secret is read, the name is resolved, the address judged, the call made.
    """
    with world.api() as api:
        receiver = f"{str(api.base_url).rstrip('/')}{RECEIVER}"
    email_id = mail.post(world, "success", webhook_url=receiver)
    until(f"{email_id}: an event in the feed", lambda: _events(world, email_id), NOTIFIES_WITHIN_S, world.wait)
    tries = until(f"{email_id}: a webhook", lambda: _tries(world, email_id), NOTIFIES_WITHIN_S, world.wait)
    if unanswered := [one["fault"] for one in tries if one["status_code"] is None]:
        raise SmokeError(f"{receiver} was called, and nothing answered: {unanswered[0]}")


def _events(world: World, email_id: str) -> list[str]:
    """What was told of an email. A page of the feed may be empty, because of the filter."""
    types: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = _get(world, "/v1/events", email_id=email_id, **after)
        types += [str(one["type"]) for one in page["events"]]
        if not page["has_more"]:
            return types
        after = {"after": page["after"]}


def _tries(world: World, email_id: str) -> list[dict[str, Any]]:
    found = _get(world, "/v1/webhook-endpoints/default/deliveries")["deliveries"]
    return [one for one in found if one["email_id"] == email_id]


def _get(world: World, path: str, **query: str) -> dict[str, Any]:
    with world.api() as api:
        answer = api.get(path, params=query)
    if answer.status_code != 200:
        raise SmokeError(f"{path} was answered with {answer.status_code}: {answer.text}")
    return dict(answer.json())
