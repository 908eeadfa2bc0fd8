"""Send nothing more to an address, and send to it again. Needs a key with the scope admin."""

import os

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

answer = api.post("/v1/suppressions", json={"address": "dave@example.net", "note": "asked us by phone, ticket 4711"})
answer.raise_for_status()
suppression = answer.json()
print(suppression["address"], suppression["reason"])

found = api.get("/v1/suppressions", params={"address": "Dave@Example.net"}).raise_for_status().json()
print(len(found["suppressions"]), "found")

api.delete(f"/v1/suppressions/{suppression['id']}").raise_for_status()
print("lifted")
