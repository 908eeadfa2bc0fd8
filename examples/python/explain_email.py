"""Ask which way an email would take, and why. Nothing is sent."""

import os

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

answer = api.post(
    "/v1/emails/explain",
    json={
        "from": "App <no-reply@example.com>",
        "to": "ann@example.net",
        "subject": "Your receipt",
        "text": "Thank you.",
    },
)
answer.raise_for_status()
for candidate in answer.json()["route"]:
    print(f"{candidate['provider']}: {candidate['state']}, {candidate['why']}")
