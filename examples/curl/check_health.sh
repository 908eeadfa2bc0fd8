#!/usr/bin/env bash
# Ask whether every part of the service works. Needs no key.
set -euo pipefail
API=${EMAILSMINDER_URL:-http://127.0.0.1:8000}

curl -sS "$API/health"
