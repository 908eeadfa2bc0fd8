#!/usr/bin/env bash
# Send HTML with a picture in it, a file, and what only your program knows of the email.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

INVOICE=$(printf 'item,price\nbook,19.90\n' | base64 | tr -d '\n')
PICTURE=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==

curl -sS --fail-with-body "$API/v1/emails" --header "$KEY" --json @- <<END
{
  "from": "App <no-reply@example.com>",
  "to": ["Ann <ann@example.net>", {"email": "bob@example.net", "name": "Bob"}],
  "cc": ["carol@example.net"],
  "reply_to": "help@example.com",
  "subject": "Your invoice",
  "text": "Your invoice is attached.",
  "html": "<p>Your invoice is attached.</p><img src='cid:logo' alt=''>",
  "attachments": [
    {"filename": "invoice.csv", "content": "$INVOICE"},
    {"filename": "logo.png", "content": "$PICTURE", "content_id": "logo"}
  ],
  "headers": {"X-Campaign": "invoices"},
  "tags": ["invoice"],
  "metadata": {"order": "4711"}
}
END
