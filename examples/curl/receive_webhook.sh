#!/usr/bin/env bash
# Register an endpoint, send it a test. Here nobody listens. Needs a key with the scopes send and read.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"
ENDPOINTS=$API/v1/webhook-endpoints

ID=$(curl -sS --fail-with-body "$ENDPOINTS" --header "$KEY" \
  --json '{"url": "http://127.0.0.1:9/webhooks", "types": ["email.bounced"]}' | sed 's/^{"id":"\([^"]*\)".*/\1/')
curl -sS --fail-with-body --request POST "$ENDPOINTS/$ID/test" --header "$KEY"
echo
for _ in $(seq 30); do
  TRIES=$(curl -sS --fail-with-body "$ENDPOINTS/$ID/deliveries?failed=true" --header "$KEY")
  [[ $TRIES == *webhook.test* ]] && break
  sleep 1
done
echo "$TRIES"
curl -sS --fail-with-body --request DELETE "$ENDPOINTS/$ID" --header "$KEY"
