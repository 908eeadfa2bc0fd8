#!/usr/bin/env bash
# Try those again whom an email did not reach. Its id is the argument; that of local mode's failed email by default.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}
KEY="Authorization: Bearer ${EMAILSMINDER_KEY:-em_local_development}"
ID=${1:-eml_z5m7wk2xq4tc6yn3bv2j7h4pqe}

# 409: they are being tried, have got it, or may have got it.
curl -sS "$API/v1/emails/$ID/retry" --header "$KEY" --json '{"recipients": ["ann@example.com"]}'
