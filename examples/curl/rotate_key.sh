#!/usr/bin/env bash
# Make an API key, give it a successor, and revoke both. Needs a key with the scope admin.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

id_of() { sed 's/^{"id":"\([^"]*\)".*/\1/'; }

OLD=$(curl -sS --fail-with-body "$API/v1/keys" --header "$KEY" \
  --json '{"name": "rotated", "scopes": ["send"], "project": "shop"}' | id_of)
NEW=$(curl -sS --fail-with-body --request POST "$API/v1/keys/$OLD/rotate?overlap_s=3600" --header "$KEY" | id_of)
curl -sS --fail-with-body "$API/v1/keys/$OLD" --header "$KEY"
echo
for ID in "$OLD" "$NEW"; do
  curl -sS --fail-with-body --request DELETE "$API/v1/keys/$ID" --header "$KEY"
done
