#!/usr/bin/env bash
# Send with a test key, which reaches nobody: the part before the @ says what becomes of a recipient.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_TEST_KEY:-em_test_local_development}"

ID=$(curl -sS --fail-with-body "$API/v1/emails" --header "$KEY" --json '{
  "from": "App <no-reply@example.com>",
  "to": ["bounced+order-7@example.net", "failover@example.net"],
  "subject": "Your receipt",
  "text": "Thank you."
}' | grep -o 'eml_[a-z0-9]*' | head -n 1)

while true; do
  STORY=$(curl -sS --fail-with-body "$API/v1/emails/$ID" --header "$KEY")
  STATUS=$(grep -o '"status":"[a-z_]*"' <<<"$STORY" | head -n 1)
  [[ "$STATUS" =~ queued|sending|sent ]] || break
  sleep 0.5
done
echo "$STORY"
