"""Ask whether every part of the service works. Needs no key."""

import os

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

answer = api.get("/health")
print(answer.json()["status"])
for name, state in answer.json()["parts"].items():
    print(f"{name}: {state}")
