"""Both sides of a provider, as tests script them: the outcomes of its calls, and webhooks in a plain protocol."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from threading import Lock

from app.domain.email import Message
from app.domain.event import Nonce, ProviderEvent, Subscription, Webhook
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.errors import Unauthenticated
from app.providers.sdk.limits import Limits
from tests.support.limits import some_limits
from tests.support.outcomes import accepted

ANYTHING = some_limits()
Answer = Outcome | Callable[[Message], Outcome]


class ScriptedSend:
    """The `send` of an attempt. It answers as planned, and keeps every call in `calls`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Message]] = []
        self._plans: dict[str, list[Answer]] = {}
        self._lock = Lock()

    def plan(self, provider: str, *answers: Answer) -> None:
        """Let `provider` give these answers call by call, and the last one for ever. Without a plan it accepts."""
        self._plans[provider] = list(answers)

    def __call__(self, provider: str, message: Message) -> Outcome:
        with self._lock:
            self.calls.append((provider, message))
            plan = self._plans.get(provider, [])
            answer = plan[0] if plan else accepted(f"{provider}-{message.email_id}-{message.attempt}")
            if len(plan) > 1:
                plan.pop(0)
        return answer(message) if callable(answer) else answer

    def providers(self) -> list[str]:
        """The providers that were called, in order."""
        return [provider for provider, _ in self.calls]


class PlainReceiver:
    """A provider whose webhook is a JSON list of our events, or a string with the URL of a subscription."""

    def __init__(self, limits: Limits = ANYTHING, signing_domain: str = "") -> None:
        self.limits = limits
        self.signing_domain = signing_domain

    def verify(self, webhook: Webhook, now_s: float) -> Nonce | None:  # noqa: ARG002 because the port has it
        if webhook.headers.get("signature") != "good":
            raise Unauthenticated("no good signature")
        token = webhook.headers.get("token")
        return Nonce(token, hashlib.sha256(webhook.body).hexdigest()) if token else None

    def parse(self, webhook: Webhook) -> list[ProviderEvent] | Subscription:
        content = json.loads(webhook.body)
        if isinstance(content, str):
            return Subscription(content)
        return [_event(fields) for fields in content]


def webhook(events: Sequence[ProviderEvent] | str, **headers: str) -> Webhook:
    """A webhook that `PlainReceiver` reads, with a good signature."""
    content = events if isinstance(events, str) else [asdict(event) for event in events]
    return Webhook(json.dumps(content).encode(), {"signature": "good", **headers})


def _event(fields: dict[str, object]) -> ProviderEvent:
    cause = fields["cause"]
    return ProviderEvent(**{**fields, "kind": Kind(fields["kind"]), "cause": cause and Cause(cause)})  # type: ignore[arg-type] # because asdict wrote them
