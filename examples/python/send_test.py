"""Send with a test key, which reaches nobody: the part before the @ says what becomes of a recipient."""

import os
import time

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_TEST_KEY', 'em_test_local_development')}"},
    timeout=30,
)

answer = api.post(
    "/v1/emails",
    json={
        "from": "App <no-reply@example.com>",
        "to": ["bounced+order-7@example.net", "failover@example.net"],
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

for recipient in story["recipients"]:
    print(f"{recipient['address']}: {recipient['status']}, through {recipient['provider']}")
