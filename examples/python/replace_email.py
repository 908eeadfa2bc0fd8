"""Let the newest email replace an earlier one that still waits: an outage ends with one reset, not nine."""

import os

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

ids = []
for code in ("111111", "222222"):
    answer = api.post(
        "/v1/emails",
        json={
            "from": "App <no-reply@example.com>",
            "to": "ann@example.net",
            "subject": "Reset your password",
            "text": f"Your code is {code}.",
            "collapse_key": "password-reset",
        },
    )
    answer.raise_for_status()
    ids.append(answer.json()["id"])
print(f"{ids[1]} replaces {ids[0]}, if that one still waits")
