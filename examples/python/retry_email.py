"""Try those again whom an email did not reach. Its id is the argument; that of local mode's failed email by default."""

import os
import sys

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)
email_id = sys.argv[1] if len(sys.argv) > 1 else "eml_z5m7wk2xq4tc6yn3bv2j7h4pqe"

answer = api.post(f"/v1/emails/{email_id}/retry", json={"recipients": ["ann@example.com"]})
if answer.status_code == 409:  # they are being tried, have got it, or may have got it
    print(answer.json()["detail"])
else:
    answer.raise_for_status()
    print(answer.json()["status"], "until", answer.json()["expires_at"])
