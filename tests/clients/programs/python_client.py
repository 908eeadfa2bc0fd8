"""What a program does with the client that openapi-python-client makes. mypy checks both; no line is without types.

It prints, as JSON, what the client made of each answer.
"""

import json
import os
import sys

from emails_minder_client import AuthenticatedClient
from emails_minder_client.api.emails import cancel_email, explain_email, get_email, list_emails, send_batch, send_email
from emails_minder_client.api.suppressions import lift_suppression, suppress_address
from emails_minder_client.models import (
    AcceptedEmail,
    AttachmentRequest,
    BatchEmail,
    BatchEmailRequest,
    EmailBatch,
    EmailHeaders,
    EmailList,
    EmailMetadata,
    EmailRequest,
    EmailStory,
    EmailSummary,
    Explanation,
    MailboxRequest,
    OnUncertain,
    Problem,
    Suppression,
    SuppressionRequest,
    TagRequest,
    TrackingRequest,
)

MINIMAL = EmailRequest(from_="App <no-reply@example.com>", to="ann@example.net", subject="Minimal", text="It works.")
FULL = EmailRequest(
    from_=MailboxRequest(email="no-reply@example.com", name="App"),
    to=["Ann <ann@example.net>", MailboxRequest(email="bob@example.net")],
    cc=["carol@example.net"],
    reply_to="help@example.com",
    subject="Full",
    text="It works.",
    html="<p>It works.</p>",
    headers=EmailHeaders.from_dict({"X-Campaign": "clients"}),
    attachments=[AttachmentRequest(filename="a.txt", content="aGVsbG8=", content_type="text/plain")],
    tags=["python", TagRequest(name="order", value="4711")],
    metadata=EmailMetadata.from_dict({"paid": True, "price": 19.9}),
    on_uncertain=OnUncertain.FAIL,
    providers=["sendgrid"],
    tracking=TrackingRequest(opens=True),
)
BATCH = [
    BatchEmailRequest(
        from_="no-reply@example.com",
        to="ann@example.net",
        subject="One",
        text="1",
        idempotency_key=f"batch-{os.getpid()}",
    ),
    BatchEmailRequest(from_="no-reply@example.com", to=["nobody"], subject="Two", text="2"),
]
WAITING = EmailRequest(
    from_="no-reply@example.com", to="ann@example.net", subject="Waiting", text="It waits.", providers=["mailgun"]
)
WRONG = EmailRequest(from_="no-reply@example.com", to=["nobody"], subject="Wrong", text="No.")


def main() -> None:
    """Send a minimal email and a full one, repeat, read, list, explain, cancel; and see what was wrong with another."""
    found: dict[str, object] = {}
    url, key = os.environ["EMAILSMINDER_URL"], os.environ["EMAILSMINDER_KEY"]
    with AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True) as client:
        minimal = send_email.sync(client=client, body=MINIMAL, idempotency_key=f"minimal-{os.getpid()}")
        assert isinstance(minimal, AcceptedEmail), minimal
        again = send_email.sync(client=client, body=MINIMAL, idempotency_key=f"minimal-{os.getpid()}")
        assert isinstance(again, AcceptedEmail), again
        full = send_email.sync(client=client, body=FULL)
        assert isinstance(full, AcceptedEmail), full
        found |= {"minimal": minimal.id, "again": again.id, "full": full.id, "cc": full.cc}

        batch = send_batch.sync(client=client, body=BATCH)
        assert isinstance(batch, EmailBatch), batch
        found["batch"] = [
            one.replayed if isinstance(one, BatchEmail) else [fault.field for fault in one.errors] for one in batch.data
        ]

        story = get_email.sync(full.id, client=client)
        assert isinstance(story, EmailStory), story
        found["story"] = [story.subject, story.tracking.opens, [one.role.value for one in story.recipients]]
        page = list_emails.sync(client=client, recipient="carol@example.net", limit=1)
        assert isinstance(page, EmailList), page
        found["listed"] = [email.id for email in page.emails]
        route = explain_email.sync(client=client, body=FULL)
        assert isinstance(route, Explanation), route
        found["route"] = [candidate.provider for candidate in route.route if candidate.state.value == "available"]

        waiting = send_email.sync(client=client, body=WAITING)
        assert isinstance(waiting, AcceptedEmail), waiting
        canceled = cancel_email.sync(waiting.id, client=client)
        assert isinstance(canceled, EmailSummary), canceled
        found["canceled"] = canceled.status.value

        suppressed = suppress_address.sync(
            client=client, body=SuppressionRequest(address="dave@example.net", note="asked us")
        )
        assert isinstance(suppressed, Suppression), suppressed
        found["suppressed"] = [suppressed.reason.value, suppressed.project]
        found["lifted"] = lift_suppression.sync_detailed(suppressed.id, client=client).status_code

        wrong = send_email.sync(client=client, body=WRONG)
        assert isinstance(wrong, Problem), wrong
        found["wrong"] = [wrong.status, wrong.type_, [fault.field for fault in wrong.errors or ()]]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
