"""Read back what was sent: its text, each attachment, and the whole email as MIME."""

import os

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

email = (
    api.post(
        "/v1/emails",
        json={
            "from": "App <no-reply@example.com>",
            "to": "ann@example.net",
            "subject": "Your receipt",
            "text": "Thank you.",
            "attachments": [{"filename": "receipt.txt", "content": "NDcxMTogMTkuOTA=", "content_type": "text/plain"}],
        },
    )
    .raise_for_status()
    .json()
)

content = api.get(f"/v1/emails/{email['id']}/content").raise_for_status().json()
print(content["text"])
for attachment in content["attachments"]:
    file = api.get(attachment["url"]).raise_for_status()
    print(attachment["filename"], file.headers["content-type"], len(file.content), "bytes")
raw = api.get(f"/v1/emails/{email['id']}/raw").raise_for_status()
print(raw.headers["content-type"])
