"""Send many emails by one call, each of them once; a bad one stops no other."""

import os

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

# Up to 100 at once. After a timeout, send the same list again: what was stored is not sent twice.
emails = [
    {
        "from": "App <no-reply@example.com>",
        "to": address,
        "subject": "Your invoice",
        "text": "It is ready.",
        "idempotency_key": f"invoice-{os.getpid()}-{number}",
    }
    for number, address in enumerate(["ann@example.net", "bob@example.net", "nobody"])
]
answer = api.post("/v1/emails/batch", json=emails).raise_for_status()
for one in answer.json()["data"]:  # in the order of the list
    if "id" in one:
        print(one["id"], one["status"])
    else:
        print(*(f"{error['field']}: {error['message']}" for error in one["errors"]))
