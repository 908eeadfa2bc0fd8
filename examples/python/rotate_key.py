"""Make an API key, give it a successor, and revoke both. Needs a key with the scope admin."""

import os

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

made = api.post("/v1/keys", json={"name": "rotated", "scopes": ["send"], "project": "shop"}).raise_for_status().json()
print(made["name"], made["state"], "secret" in made)
successor = api.post(f"/v1/keys/{made['id']}/rotate", params={"overlap_s": 3600}).raise_for_status().json()
print(successor["name"], successor["scopes"])
print(api.get(f"/v1/keys/{made['id']}").raise_for_status().json()["state"])
for key in (made, successor):
    api.delete(f"/v1/keys/{key['id']}").raise_for_status()
print("revoked")
