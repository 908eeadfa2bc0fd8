"""See what is wrong with a request, field by field."""

import os

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

answer = api.post(
    "/v1/emails",
    json={"from": "App <no-reply@example.com>", "to": ["ann", "bob"], "subject": "Your receipt", "text": "Thanks."},
)
problem = answer.json()
print(answer.status_code, problem["type"])
for error in problem["errors"]:
    print(f"{error['field']}: {error['message']}")
