#!/usr/bin/env bash
# See what is wrong with a request, field by field.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

curl -sS --write-out '\n%{http_code}\n' "$API/v1/emails" --header "$KEY" \
  --json '{"from": "App <no-reply@example.com>", "to": ["ann", "bob"], "subject": "Your receipt", "text": "Thanks."}'
