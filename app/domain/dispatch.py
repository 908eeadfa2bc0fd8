"""The next provider call of an email: what it depends on beside the email itself, and whom it carries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.domain.email import Role
from app.domain.head import Head, Recipient, Status
from app.domain.route import Availability, Candidate
from app.domain.unknown_calls import providers_of_unknown_calls


@dataclass(frozen=True, slots=True)
class DispatchContext:
    """What an email's next step depends on, beside the email itself and the time.

    `suppressed` are the keys of recipients on our suppression list, `passes_lists` of those for whom no provider's own
    list ends anything. `superseded`: a newer email with the same collapse key has replaced this one. `silent` are the
    providers that accept emails but report less on them than usual. `first_choice` is the provider that would carry the
    email if all were healthy ("": none may).
    """

    route: tuple[Candidate, ...]
    suppressed: frozenset[str] = frozenset()
    superseded: bool = False
    silent: frozenset[str] = frozenset()
    first_choice: str = ""
    passes_lists: frozenset[str] = frozenset()

    @classmethod
    def all_available(cls, providers: Sequence[str]) -> "DispatchContext":
        """A context in which every one of `providers` is available and nobody is suppressed."""
        return cls(tuple(Candidate(name, Availability.AVAILABLE, "healthy") for name in providers))

    def providers(self, *availabilities: Availability) -> tuple[str, ...]:
        """The providers with one of these availabilities, in the order of the route."""
        return tuple(candidate.provider for candidate in self.route if candidate.availability in availabilities)

    def candidate(self, provider: str) -> Candidate:
        """The candidate for `provider`, which must be in the route."""
        return next(candidate for candidate in self.route if candidate.provider == provider)

    def changed(self, candidate: Candidate) -> "DispatchContext":
        """The same context with `candidate` in the place of what was known of its provider."""
        return replace(
            self, route=tuple(candidate if each.provider == candidate.provider else each for each in self.route)
        )


class Dispatch(NamedTuple):
    """The next call: a provider, the keys of the recipients it carries, and the attempt it repeats (0: none)."""

    provider: str
    recipients: tuple[str, ...]
    repeats: int = 0


def next_dispatch(head: Head, providers: Sequence[str]) -> Dispatch | None:
    """The next call for this head, if `providers` may be called in this order. Returns None if there is none to make.

    A planned repetition comes first. Otherwise the call goes to the first provider that a queued recipient has not
    tried in this round. A provider whose last call to the recipient is of unknown outcome comes behind all others.
    """
    if head.to_repeat:
        attempt = head.made(head.to_repeat)
        return Dispatch(attempt.provider, attempt.recipients, attempt.number)
    queued = {
        key: recipient
        for key, recipient in head.recipients.items()
        if recipient.status is Status.QUEUED and recipient.wait_until_ms is None
    }
    choices = {key: _choice(head, recipient, providers) for key, recipient in queued.items()}
    for provider in providers:
        who = {key: recipient for key, recipient in queued.items() if choices[key] == provider}
        if who:
            return Dispatch(provider, _who_shares_a_call(head, who))
    return None


def _choice(head: Head, recipient: Recipient, providers: Sequence[str]) -> str | None:
    """The provider through which this recipient would be sent to next, if any of `providers` is left."""
    unknown = providers_of_unknown_calls(recipient, head.attempts)
    untried = [provider for provider in providers if provider not in recipient.tried]
    return min(untried, key=lambda provider: provider in unknown, default=None)


def _who_shares_a_call(head: Head, recipients: Mapping[str, Recipient]) -> tuple[str, ...]:
    """Which of `recipients` one call may carry without showing anybody an address that the email does not show.

    If all recipients of the email are among them, one call carries all of them, as the email was accepted. If only some
    are, it carries those in `to` and `cc`, or, if there are none of these, a single one in `bcc`. If the email has
    nobody in `to`, which most providers insist on, each recipient goes alone and is put there.
    """
    if not any(recipient.role is Role.TO for recipient in head.recipients.values()):
        return tuple(recipients)[:1]
    if len(recipients) == len(head.recipients):
        return tuple(recipients)
    visible = tuple(key for key, recipient in recipients.items() if recipient.role is not Role.BCC)
    return visible or tuple(recipients)[:1]
