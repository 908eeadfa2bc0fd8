"""explain: the route an email would take, why each provider may be called or not, and who would be left out.

It sends and stores nothing.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace

from app.delivery.context import ContextReader
from app.domain.caps import Limit
from app.domain.email import Email, Tracking
from app.domain.project import is_of_test_keys
from app.domain.route import Availability, Candidate
from app.domain.suppression import Notice


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every configured provider in the order in which it would be tried, and the suppressed recipients by key."""

    route: list[Candidate]
    suppressed: Mapping[str, Notice]


@dataclass(frozen=True, slots=True)
class Habits:
    """What a provider does with an email beyond what excludes it, from its table of limits.

    `tracked_fields` are the fields of an email's tracking that its calls say, `tags_add` is what it adds to an email
    that has tags, and `own_list` where an address is cleared from its own suppression list.
    """

    tracked_fields: Collection[str]
    tags_add: str
    own_list: str

    def notes(self, email: Email, *, meets_own_lists: bool) -> tuple[str, ...]:
        """A note for each habit that concerns this email.

        `meets_own_lists`: a recipient may be on the provider's own suppression list.
        """
        own_list = (
            f"its own suppression list holds all the same; to clear it: {self.own_list}" if meets_own_lists else ""
        )
        return tuple(filter(None, (self._tracking(), self._tags(email), own_list)))

    def _tracking(self) -> str:
        unsaid = [field.name for field in fields(Tracking) if field.name not in self.tracked_fields]
        where = "a setting of the domain or account there, which no email changes"
        return f"tracking of {' and '.join(unsaid)}: {where}" if unsaid else ""

    def _tags(self, email: Email) -> str:
        return f"tags add {self.tags_add}" if self.tags_add and email.content.tags else ""


@dataclass(frozen=True)
class Explain:
    """Explains a route. `objections` maps each provider to why it cannot carry an email ("": it can)."""

    read_context: ContextReader
    objections: Callable[[Email], Mapping[str, str]]
    habits: Mapping[str, Habits]
    sandbox: Callable[[Email], Explanation]  # what a test key is told

    def __call__(self, email: Email, email_id: str, project: str) -> Explanation:
        """Explain what would become of `email` now, if a key of `project` sent it.

        Where the order is random by weight, it is the one that the email with the id `email_id` would get.
        """
        if is_of_test_keys(project):
            return self.sandbox(email)
        objections = self.objections(email)
        addresses = [mailbox.key for mailbox in (*email.to, *email.cc, *email.bcc)]
        suppressed = {} if email.override_suppression else self.read_context.suppressed(addresses, project)
        meets_own_lists = email.override_suppression or self.read_context.meet_own_lists(addresses, project)
        route = [
            Candidate(candidate.provider, Availability.EXCLUDED, objections[candidate.provider])
            if objections.get(candidate.provider)
            else self._with_notes(_shown(candidate), email, meets_own_lists=meets_own_lists)
            for candidate in self.read_context.route(
                email_id, email.providers, addresses, recipients=len(addresses) if email.to else 1
            )
        ]
        notices = {key: suppression.notice for key, suppression in suppressed.items()}
        return Explanation(route, {key: one for key, one in notices.items() if (email.send_at_ms or 0) < one.until_ms})

    def _with_notes(self, candidate: Candidate, email: Email, *, meets_own_lists: bool) -> Candidate:
        habits = self.habits.get(candidate.provider)  # None: it is no longer configured
        if habits is None or candidate.availability is Availability.EXCLUDED:
            return candidate
        return replace(candidate, notes=habits.notes(email, meets_own_lists=meets_own_lists))


def _shown(candidate: Candidate) -> Candidate:
    """The candidate as it is told. A pause has no end: its time is only that of an email's next look at it."""
    if candidate.limit is not Limit.PAUSE:
        return candidate
    return replace(candidate, why=f"{candidate.why}, without end: until somebody resumes it", until_ms=None)
