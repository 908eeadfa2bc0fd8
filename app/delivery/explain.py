"""explain: the route an email would take, why each provider may be called or not, and who would be left out.

It sends and stores nothing.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace

from app.delivery.context import ContextReader
from app.domain.email import Email, Tracking
from app.domain.route import Availability, Candidate
from app.domain.suppression import Notice


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every configured provider in the order in which it would be tried, and the suppressed recipients by key."""

    route: list[Candidate]
    suppressed: Mapping[str, Notice]


@dataclass(frozen=True)
class Explain:
    """Explains a route. `objections` maps each provider to why it cannot carry an email ("": it can).

    `tracked_fields` maps it to the fields of an email's tracking that its calls say.
    """

    read_context: ContextReader
    objections: Callable[[Email], Mapping[str, str]]
    tracked_fields: Mapping[str, Collection[str]]

    def __call__(self, email: Email, email_id: str) -> Explanation:
        """Explain what would become of `email` now.

        Where the order is random by weight, it is the one that the email with the id `email_id` would get.
        """
        objections = self.objections(email)
        addresses = [mailbox.key for mailbox in (*email.to, *email.cc, *email.bcc)]
        route = [
            Candidate(candidate.provider, Availability.EXCLUDED, objections[candidate.provider])
            if objections.get(candidate.provider)
            else self._with_notes(candidate)
            for candidate in self.read_context.route(
                email_id, email.providers, addresses, recipients=len(addresses) if email.to else 1
            )
        ]
        suppressed = {} if email.override_suppression else self.read_context.suppressed(addresses)
        return Explanation(route, {key: suppression.notice for key, suppression in suppressed.items()})

    def _with_notes(self, candidate: Candidate) -> Candidate:
        said = self.tracked_fields.get(candidate.provider)  # None: it is no longer configured
        if said is None or candidate.availability is Availability.EXCLUDED:
            return candidate
        unsaid = [field.name for field in fields(Tracking) if field.name not in said]
        if not unsaid:
            return candidate
        note = f"tracking of {' and '.join(unsaid)}: a setting of the domain or account there, which no email changes"
        return replace(candidate, notes=(note,))
