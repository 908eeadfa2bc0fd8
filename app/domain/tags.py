"""The tags by which an email is found: its texts, and each tag with a value as `name=value`."""

from collections.abc import Iterable
from typing import Final

from app.domain.email import Email

MOST_BYTES: Final = 4_000
"""So much of the head is for tags: what comes behind it goes to the provider, and finds no email."""


def tags_of(email: Email) -> tuple[str, ...]:
    """The tags of a new email that its head keeps, in the order of the request, those without a value first."""
    metadata = email.content.metadata
    kept: list[str] = []
    room = MOST_BYTES
    for tag in (*email.content.tags, *(f"{name}={metadata[name]}" for name in email.named_tags)):
        room -= len(tag.encode())
        if room < 0:
            break
        kept.append(tag)
    return tuple(kept)


def found_by(tags: Iterable[str]) -> tuple[str, ...]:
    """The texts by which these tags are found, each once: the whole tag, and what stands before its first `=`."""
    texts = (text for tag in tags for text in (tag, tag.partition("=")[0]))
    return tuple(dict.fromkeys(text for text in texts if text))
