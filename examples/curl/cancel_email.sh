#!/usr/bin/env bash
# Cancel an email that still waits.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

ID=$(curl -sS --fail-with-body "$API/v1/emails" --header "$KEY" --json '{
  "from": "App <no-reply@example.com>",
  "to": "ann@example.net",
  "subject": "Your receipt",
  "text": "Thank you."
}' | grep -o 'eml_[a-z0-9]*' | head -n 1)

curl -sS --request POST "$API/v1/emails/$ID/cancel" --header "$KEY" # 409: a provider has it already
