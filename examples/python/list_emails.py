"""List what was sent to somebody, page by page, newest first."""

import os

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

for subject in ("First", "Second", "Third"):
    api.post(
        "/v1/emails",
        json={"from": "no-reply@example.com", "to": "list@example.net", "subject": subject, "text": "It works."},
    ).raise_for_status()

query = {"recipient": "list@example.net", "limit": "2"}
while True:
    page = api.get("/v1/emails", params=query).raise_for_status().json()
    for email in page["emails"]:
        print(email["id"], email["status"], email["subject"])
    if page["after"] is None:
        break
    query["after"] = page["after"]
