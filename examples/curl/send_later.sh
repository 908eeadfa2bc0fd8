#!/usr/bin/env bash
# Send an email at a later time, change that time, and cancel it.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"
later() { python3 -c "import datetime as d; print((d.datetime.now(d.timezone.utc) + d.timedelta(hours=$1)).isoformat())"; }

ID=$(curl -sS --fail-with-body "$API/v1/emails" --header "$KEY" --json '{
  "from": "App <no-reply@example.com>",
  "to": "ann@example.net",
  "subject": "Your trial ends",
  "text": "Two days are left.",
  "send_at": "'"$(later 24)"'"
}' | grep -o 'eml_[a-z0-9]*' | head -n 1)

curl -sS --request PATCH "$API/v1/emails/$ID" --header "$KEY" --json '{"send_at": "'"$(later 27)"'"}' # 409: it was started
echo
curl -sS --request POST "$API/v1/emails/$ID/cancel" --header "$KEY"
