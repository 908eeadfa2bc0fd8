"""Send what must arrive: again, if the provider that took it falls silent. Opens are tracked."""

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
        "subject": "Your ticket",
        "text": "Your train leaves at 9:00.",
        "html": "<p>Your train leaves at 9:00.</p>",
        "critical": True,
        "providers": ["sendgrid", "mailgun"],
        "tracking": {"opens": True},
    },
)
answer.raise_for_status()
email = answer.json()
print(email["id"], *email["eligible_providers"])
