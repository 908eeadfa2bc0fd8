#!/usr/bin/env bash
# Send what must arrive: again, if the provider that took it falls silent. Opens are tracked.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"

curl -sS --fail-with-body "$API/v1/emails" --header "$KEY" --json '{
  "from": "App <no-reply@example.com>",
  "to": "ann@example.net",
  "subject": "Your ticket",
  "text": "Your train leaves at 9:00.",
  "html": "<p>Your train leaves at 9:00.</p>",
  "critical": true,
  "providers": ["sendgrid", "mailgun"],
  "tracking": {"opens": true}
}'
