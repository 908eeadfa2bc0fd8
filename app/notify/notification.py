"""A notification: one change of an email, or a test, on its way to one receiver."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

# The endpoint of a project that stands for the `webhook_url` of its emails. It has a secret, and no URL of its own.
DEFAULT_ENDPOINT: Final = "default"
FIRST_GENERATION: Final = (0,)  # of its secret, as long as it is not stored
TEST_TYPE: Final = "webhook.test"  # what a test is told as; no change of an email has this type


def as_json(values: Mapping[str, Any]) -> str:
    """JSON as it is posted and published: without spaces, in UTF-8."""
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False)


def owner_of(project: str, endpoint_id: str) -> str:
    """The name of the secret that signs for an endpoint: its id, and for DEFAULT_ENDPOINT also the project."""
    return f"{project}:{endpoint_id}" if endpoint_id == DEFAULT_ENDPOINT else endpoint_id


@dataclass(frozen=True, slots=True)
class Notification:
    """What is posted to one receiver.

    `event_id` is that of the change, the same however often it is posted. `endpoint_id` is DEFAULT_ENDPOINT if `url` is
    the email's own; else `url` is empty, and the endpoint's is read when it is posted. `body` is the JSON that is
    posted. `published_ms` is when it was first published, and `tries` counts those that failed since. `held_since_ms`
    is when it was first held back after its last try, because its receiver is slow (0: it was not).
    """

    event_id: str
    type: str
    project: str
    endpoint_id: str
    body: str
    published_ms: int
    url: str = ""
    email_id: str = ""
    tries: int = 0
    held_since_ms: int = 0

    def to_json(self) -> str:
        """As a message of the queue has it."""
        return as_json(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Notification":
        """The notification of a message. Raises TypeError or ValueError if it is none."""
        values = json.loads(text)
        if not isinstance(values, dict):
            raise TypeError("is no notification")
        found = cls(**values)
        if wrong := [one.name for one in fields(cls) if type(getattr(found, one.name)) is not one.type]:
            raise TypeError(f"is no notification: {', '.join(wrong)}")
        return found
