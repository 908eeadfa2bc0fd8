#!/usr/bin/env bash
# Send an email once, however often the request is made: after a timeout, say.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

ONCE="receipt-of-order-$$" # your own name of what is sent: the order, not the request

send() {
  curl -sS --fail-with-body "$API/v1/emails" --header "$KEY" --header "Idempotency-Key: $ONCE" --json '{
    "from": "App <no-reply@example.com>",
    "to": "ann@example.net",
    "subject": "Your receipt",
    "text": "Thank you."
  }' | grep -o 'eml_[a-z0-9]*' | head -n 1
}

FIRST=$(send)
AGAIN=$(send)
[[ "$FIRST" == "$AGAIN" ]]
echo "$FIRST"
