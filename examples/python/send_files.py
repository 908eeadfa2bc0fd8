"""Send HTML with a picture in it, a file, and what only your program knows of the email."""

import base64
import os

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

answer = api.post(
    "/v1/emails",
    json={
        "from": "App <no-reply@example.com>",
        "to": ["Ann <ann@example.net>", {"email": "bob@example.net", "name": "Bob"}],
        "cc": ["carol@example.net"],
        "reply_to": "help@example.com",
        "subject": "Your invoice",
        "text": "Your invoice is attached.",
        "html": '<p>Your invoice is attached.</p><img src="cid:logo" alt="">',
        "attachments": [
            {"filename": "invoice.csv", "content": base64.b64encode(b"item,price\nbook,19.90\n").decode()},
            {"filename": "logo.png", "content": PICTURE, "content_id": "logo"},
        ],
        "headers": {"X-Campaign": "invoices"},
        "tags": ["invoice"],
        "metadata": {"order": "4711"},
    },
)
answer.raise_for_status()
email = answer.json()
print(email["id"], email["status"])
