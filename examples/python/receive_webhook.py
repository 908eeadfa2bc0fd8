"""Register an endpoint, receive a webhook, and verify its signature. Needs a key with the scopes send and read."""

import base64
import hmac
import json
import os
import time
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx

api = httpx.Client(
    base_url=os.environ.get("EMAILSMINDER_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('EMAILSMINDER_KEY', 'em_local_development')}"},
    timeout=30,
)


class Receiver(BaseHTTPRequestHandler):
    """Takes one webhook; `secret` is its endpoint's."""

    secret = ""

    def do_POST(self) -> None:
        """Take what is posted, if the signature is right."""
        body = self.rfile.read(int(self.headers["content-length"]))
        is_genuine = verify(self.secret, self.headers, body)
        self.send_response(204 if is_genuine else 401)
        self.end_headers()
        print(json.loads(body)["type"], "verified" if is_genuine else "not from us")

    def log_message(self, *_: object) -> None:
        """Keep the terminal for what is printed above."""


def verify(secret: str, headers: Message, body: bytes) -> bool:
    """Whether whoever sent this knows the secret, and sent it just now. `standardwebhooks` does the same."""
    message_id, at, given = (headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, f"{message_id}.{at}.".encode() + body, "sha256")).decode()
    is_fresh = abs(time.time() - int(at)) < 300
    return is_fresh and any(hmac.compare_digest(one, f"v1,{expected}") for one in given.split())


with HTTPServer(("127.0.0.1", 0), Receiver) as server:
    url = f"http://127.0.0.1:{server.server_port}/webhooks"
    endpoint = (
        api.post("/v1/webhook-endpoints", json={"url": url, "types": ["email.bounced"]}).raise_for_status().json()
    )
    Receiver.secret = endpoint["secret"]
    api.post(f"/v1/webhook-endpoints/{endpoint['id']}/test").raise_for_status()
    server.timeout = 30
    server.handle_request()
api.delete(f"/v1/webhook-endpoints/{endpoint['id']}").raise_for_status()
