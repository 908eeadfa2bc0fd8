"""explain: the route an email would take, and why each provider is in or out. Sends and stores nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.delivery.survey import Surveyor
from app.domain.email import Email
from app.domain.standing import Standing, State


@dataclass(frozen=True)
class Explain:
    """Explains a route."""

    survey: Surveyor
    eligible: Callable[[Email], Mapping[str, str]]

    def __call__(self, email: Email, email_id: str) -> list[Standing]:
        """Every configured provider in the order in which it would be tried; `email_id` draws the lot of weights."""
        why_not = self.eligible(email)
        addresses = [mailbox.key for mailbox in (*email.to, *email.cc, *email.bcc)]
        return [
            Standing(standing.provider, State.OUT, why_not[standing.provider])
            if why_not.get(standing.provider)
            else standing
            for standing in self.survey.route(email_id, email.providers, addresses)
        ]
