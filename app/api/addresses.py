"""Reads mailboxes as people write them: `ann@example.com`, `Ann <ann@example.com>`."""

import re

from email_validator import EmailNotValidError, validate_email

from app.domain.email import Mailbox

# Characters that some software on the way takes for the end of a header line: C0, DEL, C1 and the line separators of
# str.splitlines.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# The parsers of libraries do not fit: the standard library's reads on after the closing bracket, drops comments
# silently and decodes encoded words, line breaks included; email-validator's refuses `Dr. Jürgen <…>` without quotes.
_NAMED = re.compile(r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^"<>,;]*)) *<(?P<address>[^<>]*)>')
NAME_LIMIT = 320


def read(text: str) -> Mailbox:
    """The mailbox that `text` names. Its local part must be ASCII; its domain is converted to ASCII.

    Raises ValueError whose message says what is wrong, for the author of the request.
    """
    if len(text) > NAME_LIMIT + 254 + 5:
        raise ValueError("is too long")
    if CONTROL.search(text):
        raise ValueError("must not contain line breaks or other control characters")
    text = text.strip()
    if "<" not in text and '"' not in text:
        return Mailbox(_address(text))
    named = _NAMED.fullmatch(text)
    if named is None:
        raise ValueError("must look like ann@example.com or Ann <ann@example.com>; a name with , ; or <> needs quotes")
    quoted = named["quoted"]
    name = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else named["plain"]
    if len(name) > NAME_LIMIT:
        raise ValueError(f"the name must have at most {NAME_LIMIT} characters")
    return Mailbox(_address(named["address"]), name.strip())


def _address(text: str) -> str:
    if not text:
        raise ValueError("is not an email address: it is empty")
    try:
        found = validate_email(
            text,
            allow_smtputf8=False,
            check_deliverability=False,
            strict=True,
            test_environment=True,  # allows .test, which people use to try things out
        )
    except EmailNotValidError as problem:
        raise ValueError(f"is not an email address: {problem}") from None
    # The address stays as it was given, unless its domain had to be converted.
    return text if text.isascii() else f"{found.local_part}@{found.ascii_domain}"
