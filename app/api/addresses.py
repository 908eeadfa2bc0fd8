"""Reading mailboxes as people write them: `ann@example.com`, `Ann <ann@example.com>`."""

import re

from email_validator import EmailNotValidError, validate_email

from app.domain.email import Mailbox

# What would end a header line somewhere on its way: C0, DEL, C1 and the line separators of str.splitlines.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# The standard library's parser is no help here: it reads on after the closing bracket, drops comments silently and
# decodes encoded words, line breaks included; email-validator's refuses `Dr. Jürgen <…>` without quotes.
_NAMED = re.compile(r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^"<>,;]*)) *<(?P<address>[^<>]*)>')
NAME_LIMIT = 320


def read(text: str) -> Mailbox:
    """The mailbox that `text` writes: an ASCII local part, the domain in its ASCII form.

    Raises ValueError with what is wrong, in words for the one who wrote it.
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
            test_environment=True,  # .test is what people try things out with; no harm in it
        )
    except EmailNotValidError as problem:
        raise ValueError(f"is not an email address: {problem}") from None
    # As it was given, unless the domain had to be put into ASCII.
    return text if text.isascii() else f"{found.local_part}@{found.ascii_domain}"
