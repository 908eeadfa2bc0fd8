"""What a webhook says."""

import json
import random
from dataclasses import replace

from app.api import times
from app.domain.change_payload import payload_of
from app.domain.change_types import ChangeType
from app.domain.changes import changes
from app.domain.email import Role
from app.domain.head import Recipient, Status
from app.domain.kinds import Cause
from app.domain.project import of_test_keys
from tests.domain.change_walk import SETUPS, walk
from tests.support.samples import a_head

AT_MS = 1_764_500_000_123


def test_the_first_change_of_an_email() -> None:
    recipients = {"ann@example.net": Recipient("Ann@example.net", Role.TO)}
    head = a_head(AT_MS, email_id="eml_1", recipients=recipients, version=1, project="shop", tags=("receipt", "a=b"))
    (change,) = changes(None, head, AT_MS)
    assert json.loads(json.dumps(payload_of(change))) == {
        "type": "email.queued",
        "timestamp": "2025-11-30T10:53:20.123Z",
        "data": {
            "email_id": "eml_1",
            "sequence": 10_000,
            "project": "shop",
            "recipient": "Ann@example.net",
            "role": "to",
            "status": "queued",
            "previous_status": None,
            "email_status": "queued",
            "provider": None,
            "attempt": None,
            "message_id": None,
            "cause": None,
            "detail": None,
            "tags": ["receipt", "a=b"],
            "created_at": "2025-11-30T10:53:20.123Z",
        },
    }
    ended = replace(
        change,
        type=ChangeType.BOUNCED,
        status="bounced",
        was="sent",
        cause=Cause.MAILBOX,
        detail="552 full",
        provider="a:eu",
        attempt=2,
        message_id="m-2",
        previous_provider="b",
        scope="offers",
        project=of_test_keys("shop"),
    )
    data = payload_of(ended)["data"]
    assert (data["cause"], data["detail"], data["provider"], data["attempt"]) == ("mailbox", "552 full", "a:eu", 2)
    assert (data["previous_status"], data["previous_provider"], data["message_id"]) == ("sent", "b", "m-2")
    assert (data["scope"], data["project"], data["test"]) == ("offers", "shop", True)


def test_a_delivery_says_how_long_it_took_and_whether_another_account_was_called_before() -> None:
    (queued,) = changes(None, a_head(AT_MS, version=1), AT_MS)
    delivered = replace(queued, type=ChangeType.DELIVERED, starts_at_ms=AT_MS - 1500, after_failover=True)
    data = payload_of(delivered)["data"]
    assert (data["time_to_delivery_ms"], data["after_failover"]) == (1500, True)
    assert payload_of(replace(delivered, starts_at_ms=AT_MS + 9))["data"]["time_to_delivery_ms"] == 0
    assert "after_failover" not in payload_of(replace(delivered, after_failover=False))["data"]
    of_another = payload_of(replace(delivered, type=ChangeType.SENT))["data"]
    assert not {"time_to_delivery_ms", "after_failover"} & of_another.keys()


def test_times_are_written_as_everywhere_in_the_api() -> None:
    head = a_head(AT_MS, version=1)
    for at_ms in (0, AT_MS, AT_MS + 877):
        (change,) = changes(None, head, at_ms)
        assert payload_of(change)["timestamp"] == times.write(at_ms)


def test_every_change_is_written_as_json() -> None:
    chance = random.Random(3)  # noqa: S311 because nothing is hidden by it
    walked = [walk(SETUPS[n % len(SETUPS)], chance.randrange, 40) for n in range(30)]
    for change in (change for one in walked for change in one.changes):
        written = json.loads(json.dumps(payload_of(change)))
        assert written["type"] == change.type
        assert written["data"]["status"] in {status.value for status in Status}
        assert written["data"]["sequence"] == change.sequence
