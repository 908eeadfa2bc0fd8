"""Which emails replace each other while they wait."""

import hashlib
import json

from app.domain.email import Email


def scope_of(project: str, email: Email) -> str:
    """The emails that replace each other: those of one project, one collapse key, and the same to, cc and bcc.

    It is stored as a hash, because it holds addresses; "" without a collapse key.
    """
    if not email.collapse_key:
        return ""
    people = [sorted(mailbox.key for mailbox in mailboxes) for mailboxes in (email.to, email.cc, email.bcc)]
    return hashlib.sha256(json.dumps([project, email.collapse_key, people]).encode()).hexdigest()[:32]
