"""Send an email at a later time, change that time, and cancel it."""

import os
from datetime import UTC, datetime, timedelta

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)
tomorrow = datetime.now(UTC) + timedelta(days=1)

answer = api.post(
    "/v1/emails",
    json={
        "from": "App <no-reply@example.com>",
        "to": "ann@example.net",
        "subject": "Your trial ends",
        "text": "Two days are left.",
        "send_at": tomorrow.isoformat(),
    },
)
answer.raise_for_status()
path = f"/v1/emails/{answer.json()['id']}"
print(answer.json()["status"])

moved = api.patch(path, json={"send_at": (tomorrow + timedelta(hours=3)).isoformat()})
moved.raise_for_status()  # 409: it has been started
print("expires a day after", moved.json()["send_at"])

canceled = api.post(f"{path}/cancel")
canceled.raise_for_status()
print(canceled.json()["status"])
