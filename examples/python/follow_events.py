"""Send an email, and follow the feed of events until it is delivered."""

import os
import time
from datetime import UTC, datetime

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

where = {"from": datetime.now(UTC).isoformat()}
message = {"from": "app@example.com", "to": "ann@example.net", "subject": "Followed", "text": "Thank you."}
email = api.post("/v1/emails", json=message).raise_for_status().json()

is_delivered = False
while not is_delivered:
    page = api.get("/v1/events", params={**where, "email_id": email["id"]}).raise_for_status().json()
    for event in page["events"]:
        print(event["type"], event["data"]["recipient"])
        is_delivered = is_delivered or event["type"] == "email.delivered"
    where = {"after": page["after"]}  # keep it: after a restart, it goes on there
    if not page["has_more"]:
        time.sleep(2)  # an event is there ten seconds after it was recorded
