"""Names whose suppression list stopped a copy, and where an address is cleared from it, beside the provider's words."""

from dataclasses import replace

from app.domain.event import ProviderEvent
from app.domain.kinds import Kind
from app.domain.outcome import Outcome, shorten

MOST_CHARACTERS = 500  # as of every detail


def event_with_list(event: ProviderEvent, where: str) -> ProviderEvent:
    """The event; if it says that the address is on the provider's own list, its detail names the list."""
    if event.kind is not Kind.SUPPRESSED:
        return event
    return replace(event, detail=_named(event.provider, event.detail, where))


def outcome_with_list(outcome: Outcome, provider: str, where: str) -> Outcome:
    """The outcome; as far as it says that an address is on the provider's own list, its reply names the list."""
    differing = {key: outcome_with_list(own, provider, where) for key, own in outcome.differing.items()}
    reply = _named(provider, outcome.reply, where) if outcome.signal_kind is Kind.SUPPRESSED else outcome.reply
    return replace(outcome, reply=reply, differing=differing)


def _named(provider: str, words: str, where: str) -> str:
    if not where:
        return words
    sentence = f"On {provider}'s own suppression list; to clear it: {where}."
    return f"{shorten(words, MOST_CHARACTERS - len(sentence) - 1)} {sentence}".strip()
