"""Take an account out, and bring it back. Needs a key with the scope admin."""

import os

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

paused = api.post("/v1/providers/sendgrid/pause").raise_for_status().json()
print(paused["name"], "paused" if paused["paused"] else "in use")

resumed = api.post("/v1/providers/sendgrid/resume").raise_for_status().json()
print(resumed["name"], "paused" if resumed["paused"] else "in use")

for provider in api.get("/v1/providers").raise_for_status().json()["providers"]:
    print(f"{provider['name']}: weight {provider['weight']}")
