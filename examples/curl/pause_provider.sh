#!/usr/bin/env bash
# Take an account out, and bring it back. Needs a key with the scope admin.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

curl -sS --fail-with-body --request POST "$API/v1/providers/sendgrid/pause" --header "$KEY"
curl -sS --fail-with-body --request POST "$API/v1/providers/sendgrid/resume" --header "$KEY"
curl -sS --fail-with-body "$API/v1/providers" --header "$KEY"
