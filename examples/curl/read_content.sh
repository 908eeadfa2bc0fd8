#!/usr/bin/env bash
# Read back what was sent: its text, each attachment, and the whole email as MIME.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

ANSWER=$(curl -sS --fail-with-body "$API/v1/emails" --header "$KEY" --json '{
  "from": "App <no-reply@example.com>", "to": "ann@example.net", "subject": "Your receipt", "text": "Thank you.",
  "attachments": [{"filename": "receipt.txt", "content": "NDcxMTogMTkuOTA=", "content_type": "text/plain"}]
}')
ID=$(sed 's/.*"id":"\([^"]*\)".*/\1/' <<<"$ANSWER")

curl -sS --fail-with-body "$API/v1/emails/$ID/content" --header "$KEY"
echo
curl -sS --fail-with-body "$API/v1/emails/$ID/attachments/1" --header "$KEY"
echo
curl -sS --fail-with-body "$API/v1/emails/$ID/raw" --header "$KEY"
