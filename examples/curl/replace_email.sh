#!/usr/bin/env bash
# Let the newest email replace an earlier one that still waits: an outage ends with one reset, not nine.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

for CODE in 111111 222222; do
  curl -sS --fail-with-body "$API/v1/emails" --header "$KEY" --json '{
    "from": "App <no-reply@example.com>",
    "to": "ann@example.net",
    "subject": "Reset your password",
    "text": "Your code is '"$CODE"'.",
    "collapse_key": "password-reset"
  }'
  echo
done
