#!/usr/bin/env bash
# Send an email, and follow the feed of events until it is delivered.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

WHERE="from=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
ID=$(curl -sS --fail-with-body "$API/v1/emails" --header "$KEY" \
  --json '{"from": "app@example.com", "to": "ann@example.net", "subject": "Followed", "text": "Thank you."}' |
  sed 's/^{"id":"\([^"]*\)".*/\1/')

PAGE=""
while [[ $PAGE != *email.delivered* ]]; do
  PAGE=$(curl -sS --fail-with-body --get "$API/v1/events" --header "$KEY" --data "$WHERE" --data "email_id=$ID")
  echo "$PAGE"
  # Keep it: after a restart, it goes on there.
  WHERE="after=$(sed 's/.*"after":"\([^"]*\)".*/\1/' <<<"$PAGE")"
  [[ $PAGE == *'"has_more":true'* ]] || sleep 2 # an event is there ten seconds after it was recorded
done
