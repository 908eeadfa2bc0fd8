#!/usr/bin/env bash
# Send nothing more to an address, and send to it again. Needs a key with the scope admin.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

curl -sS --fail-with-body "$API/v1/suppressions" --header "$KEY" \
  --json '{"address": "dave@example.net", "note": "asked us by phone, ticket 4711"}'

ID=$(curl -sS --fail-with-body --get "$API/v1/suppressions" --header "$KEY" --data-urlencode address=Dave@Example.net |
  grep -o 'sup_[0-9a-f]*' | head -n 1)

curl -sS --fail-with-body --request DELETE "$API/v1/suppressions/$ID" --header "$KEY"
