"""Send an email once, however often the request is made: after a timeout, say."""

import os

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)

KEY = f"receipt-of-order-{os.getpid()}"  # your own name of what is sent: the order, not the request

answers = [
    api.post(
        "/v1/emails",
        headers={"Idempotency-Key": KEY},
        json={
            "from": "App <no-reply@example.com>",
            "to": "ann@example.net",
            "subject": "Your receipt",
            "text": "Thank you.",
        },
    ).raise_for_status()
    for _ in range(2)
]
first, again = (answer.json()["id"] for answer in answers)
if first != again:
    raise SystemExit(f"two emails were stored: {first} and {again}")
print(first, [answer.status_code for answer in answers])
