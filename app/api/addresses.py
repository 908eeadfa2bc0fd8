"""Reads mailboxes as people write them: `ann@example.com`, `Ann <ann@example.com>`, `ann@example.com (Ann)`."""

import re
from typing import Final

from email_validator import EmailNotValidError, validate_email

from app.domain.address import normalized
from app.domain.email import Mailbox

# Characters that some software on the way takes for the end of a header line: C0, DEL, C1 and the line separators of
# str.splitlines.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
NAME_LIMIT: Final = 320
_LONGEST: Final = NAME_LIMIT + 254 + len('"" <>')  # RFC 5321 §4.5.3.1.3 has the longest address
# The parsers of libraries do not fit: the standard library's reads on after the closing bracket, drops comments
# silently and decodes encoded words, line breaks included; email-validator's refuses `Dr. Jürgen <…>` without quotes.
_NAMED = re.compile(r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^"<>,;]*)) *<(?P<address>[^<>]*)>')
_COMMENTED = re.compile(r'(?P<address>[^ ()<>]+) *\((?P<name>[^()<>"\\]*)\)')
# A local part in quotes is taken if dots are all that is odd about it, as in addresses that Japanese mobile networks
# gave out. Commas, @ or brackets are allowed there, too (RFC 5321 §4.1.2), but some parsers would see two mailboxes.
_QUOTED = re.compile(r'"(?P<local>[A-Za-z0-9.!#$%&\'*+/=?^_`{|}~-]+)"@(?P<domain>[^"@]+)')
_DOTTED = re.compile(r'[^"@\s]*@[^"@\s]+')
_QUOTES = re.compile(r'"(?:[^"\\]|\\.)*"')
_ITSELF = re.compile(r"^(An|The) email address\b")  # how email-validator begins what the field's error says already
_SEVERAL = re.compile(r"@[^@]*[,;\s][^@]*@")


class SeveralAddresses(ValueError):
    """The text names several addresses where one is meant."""


def read(text: str) -> Mailbox:
    """The mailbox that `text` names. Its local part must be ASCII; its domain is normalized.

    Raises ValueError whose message says what is wrong, for the author of the request; SeveralAddresses is one of them.
    """
    text = _short(one_line(text).strip())
    if commented := _COMMENTED.fullmatch(text):
        return Mailbox(_address(commented["address"]), name(commented["name"]))
    if "<" not in text:
        return Mailbox(_address(text))
    named = _NAMED.fullmatch(text)
    if named is None:
        if _names_several(text):
            raise _several()
        raise ValueError("must look like ann@example.com or Ann <ann@example.com>; a name with , ; or <> needs quotes")
    quoted = named["quoted"]
    shown = name(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else named["plain"])
    return Mailbox(_address(named["address"]), shown)


def bare(text: str) -> str:
    """The address that `text` is, without a name. Raises ValueError for anything else."""
    return _address(_short(one_line(text).strip()))


def name(text: str) -> str:
    """The display name, without spaces around it. Raises ValueError if it is too long or not one line."""
    if len(text) > NAME_LIMIT:
        raise ValueError(f"the name must have at most {NAME_LIMIT} characters")
    return one_line(text).strip()


def one_line(text: str) -> str:
    """`text`, unchanged. Raises ValueError if it has a line break or any other control character."""
    if CONTROL.search(text):
        raise ValueError("must not contain line breaks or other control characters")
    return text


def _short(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    raise _several() if _names_several(text) else ValueError("is too long")


def _address(text: str) -> str:
    if not text:
        raise ValueError("is not an email address: it is empty")
    try:
        return _valid(text)
    except EmailNotValidError as problem:
        if _names_several(text):
            raise _several() from None
        if '"' in text:
            raise ValueError(
                "must look like ann@example.com or Ann <ann@example.com>; before the @, quotes may hold letters, "
                "digits, dots and !#$%&'*+/=?^_`{|}~- only"
            ) from None
        why = _ITSELF.sub("it", str(problem))
        raise ValueError(f"is not an email address: {why[:1].lower()}{why[1:]}{_remedy(text)}") from None


def _valid(text: str) -> str:
    """The normalized address, without quotes that it does not need. Raises EmailNotValidError."""
    quoted = _QUOTED.fullmatch(text)
    found = validate_email(
        text,
        allow_smtputf8=False,
        allow_quoted_local=quoted is not None,
        check_deliverability=False,
        strict=True,
        test_environment=True,  # allows .test, which people use to try things out
    )
    return normalized(f"{found.local_part}@{found.ascii_domain}")


def _remedy(text: str) -> str:
    """What to do about an address with dots where RFC 5321 allows none without quotes."""
    if not _DOTTED.fullmatch(text):
        return ""
    local, _, domain = text.rpartition("@")
    quoted = f'"{local}"@{domain}'
    try:
        _valid(quoted)
    except EmailNotValidError:
        return ""
    return f" If the mailbox is really called so, write {quoted}"


def _names_several(text: str) -> bool:
    return _SEVERAL.search(_QUOTES.sub("", text[:_LONGEST])) is not None  # its beginning tells, however long it is


def _several() -> SeveralAddresses:
    return SeveralAddresses('names several addresses; put each address into a list: ["a@example.com", "b@example.com"]')
