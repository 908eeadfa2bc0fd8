"""explain: the route an email would take, and why each provider may be called or not. It sends and stores nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.delivery.context import ContextReader
from app.domain.email import Email
from app.domain.route import Availability, Candidate


@dataclass(frozen=True)
class Explain:
    """Explains a route. `objections` maps each provider to why it cannot carry an email ("": it can)."""

    read_context: ContextReader
    objections: Callable[[Email], Mapping[str, str]]

    def __call__(self, email: Email, email_id: str) -> list[Candidate]:
        """Every configured provider in the order in which it would be tried.

        Where the order is random by weight, it is the one that the email with the id `email_id` would get.
        """
        objections = self.objections(email)
        addresses = [mailbox.key for mailbox in (*email.to, *email.cc, *email.bcc)]
        return [
            Candidate(candidate.provider, Availability.EXCLUDED, objections[candidate.provider])
            if objections.get(candidate.provider)
            else candidate
            for candidate in self.read_context.route(
                email_id, email.providers, addresses, recipients=len(addresses) if email.to else 1
            )
        ]
