"""Send a one-time code: of no use after ten minutes, and better twice than late."""

import os
from datetime import UTC, datetime, timedelta

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
        "subject": "Your code",
        "text": "Your code is 123456.",
        "expires_at": (datetime.now(UTC) + timedelta(minutes=10)).isoformat(),
        "on_uncertain": "failover",
    },
)
answer.raise_for_status()
email = answer.json()
print(email["id"], email["expires_at"])
