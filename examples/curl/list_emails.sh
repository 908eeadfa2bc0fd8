#!/usr/bin/env bash
# List what was sent to somebody, page by page, newest first.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

for SUBJECT in First Second Third; do
  curl -sS --fail-with-body --output /dev/null "$API/v1/emails" --header "$KEY" --json '{
    "from": "no-reply@example.com", "to": "list@example.net", "subject": "'"$SUBJECT"'", "text": "It works."
  }'
done

AFTER=
while true; do
  PAGE=$(curl -sS --fail-with-body --get "$API/v1/emails" --header "$KEY" \
    --data-urlencode recipient=list@example.net --data-urlencode limit=2 --data-urlencode "after=$AFTER")
  echo "$PAGE"
  AFTER=$(sed -n 's/.*"after":"\([^"]*\)".*/\1/p' <<<"$PAGE")
  [[ -n "$AFTER" ]] || break
done
