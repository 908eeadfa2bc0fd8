#!/usr/bin/env bash
# Send an email.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

curl -sS --fail-with-body "$API/v1/emails" --header "$KEY" --json '{
  "from": "App <no-reply@example.com>",
  "to": "ann@example.net",
  "subject": "Your receipt",
  "text": "Thank you."
}'
