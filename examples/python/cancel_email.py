"""Cancel an email that still waits."""

import os

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

canceled = api.post(f"/v1/emails/{answer.json()['id']}/cancel")
if canceled.status_code == 409:  # a provider has it already
    print(canceled.json()["detail"])
else:
    canceled.raise_for_status()
    print(canceled.json()["status"])
