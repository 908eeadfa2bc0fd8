"""Which URL an email may name for its own webhooks."""

from dataclasses import dataclass
from typing import Final

from app.outgoing.targets import read_target
from app.wiring.parts import Container

UNSIGNED: Final = (
    "cannot be served, because nothing could sign what is posted there: this installation has no WEBHOOK_SECRET; set"
    " that variable, as .env.example says, or leave `webhook_url` out"
)


@dataclass(frozen=True, slots=True)
class WebhookUrls:
    """Judges URLs. `has_secret`: what is posted can be signed; `is_local`: it may be posted to this machine."""

    has_secret: bool = True
    is_local: bool = False

    @classmethod
    def of(cls, parts: Container) -> "WebhookUrls":
        """The rules of this installation: whether it has a secret to sign with, and whether it is in local mode."""
        return cls(bool(parts.settings.webhook_secret), parts.is_local)

    def fault(self, url: str) -> str:
        """What is wrong with `url`, and what to do instead. "": nothing."""
        try:
            read_target(url, is_local=self.is_local)
        except ValueError as problem:
            return str(problem)
        return "" if self.has_secret else UNSIGNED


DEPLOYED: Final = WebhookUrls()
