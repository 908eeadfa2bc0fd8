"""Send an email, and read what became of it: every attempt, and what the providers reported."""

import os
import time

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

answer = api.post(
    "/v1/emails",
    json={
        "from": "App <no-reply@example.com>",
        "to": "ann@example.net",
        "subject": "Your receipt",
        "text": "Thank you.",
    },
)
answer.raise_for_status()

while True:
    story = api.get(f"/v1/emails/{answer.json()['id']}").raise_for_status().json()
    if story["status"] not in ("queued", "sending", "sent"):
        break
    time.sleep(0.5)

for attempt in story["attempts"]:
    print(f"attempt {attempt['number']}, {attempt['provider']}: {attempt['outcome']}")
for event in story["events"]:
    print(f"event, {event['provider']}: {event['kind']}")
print(story["id"], story["status"])
