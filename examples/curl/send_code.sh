#!/usr/bin/env bash
# Send a one-time code: of no use after ten minutes, and better twice than late.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

# GNU's date, or else that of macOS.
SOON=$(date -u -d '+10 minutes' +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -v+10M +%Y-%m-%dT%H:%M:%SZ)

curl -sS --fail-with-body "$API/v1/emails" --header "$KEY" --json '{
  "from": "App <no-reply@example.com>",
  "to": "ann@example.net",
  "subject": "Your code",
  "text": "Your code is 123456.",
  "expires_at": "'"$SOON"'",
  "on_uncertain": "failover"
}'
