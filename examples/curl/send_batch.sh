#!/usr/bin/env bash
# Send many emails by one call, each of them once; a bad one stops no other.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

# Up to 100 at once. After a timeout, send the same list again: what was stored is not sent twice.
curl -sS --fail-with-body "$API/v1/emails/batch" --header "$KEY" --json '[
  {
    "from": "App <no-reply@example.com>",
    "to": "ann@example.net",
    "subject": "Your invoice",
    "text": "It is ready.",
    "idempotency_key": "invoice-'"$$"'-1"
  },
  {
    "from": "App <no-reply@example.com>",
    "to": "nobody",
    "subject": "Your invoice",
    "text": "It is ready.",
    "idempotency_key": "invoice-'"$$"'-2"
  }
]'
