"""Send an email."""

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
email = answer.json()
print(email["id"], email["status"])
