"""Reads attachments as people write them: base64 of every usual form, `data:` URLs, media types with parameters."""

import base64
import mimetypes
import re
from contextlib import suppress
from functools import cache
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

UNTYPED: Final = "application/octet-stream"
_NAME = r"[!#$&^_.+\-0-9A-Za-z]{1,127}"  # RFC 6838 §4.2
_MEDIA_TYPE = re.compile(rf" *({_NAME}/{_NAME}) *(?=;|\Z)")
_PARAMETER = re.compile(r'; *([A-Za-z0-9-]{1,64})=(?:"([ !#-\[\]-~]+)"|([!#-:<-\[\]-~]+)) *')
_NO_MORE = re.compile(r"(?:; *)*\Z")  # some programs write a semicolon after the last parameter, too
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`{|}~0-9A-Za-z]+")  # RFC 2045 §5.1: every other value needs quotes
_MEDIA_TYPE_LIMIT: Final = 500
_DATA_URL = re.compile(r"data:([^,]{0,600}),", re.IGNORECASE)
_BASE64_MARK = re.compile(r"; *base64 *$", re.IGNORECASE)

# Types that Python's own table has not got in every version that the product runs on. The source is IANA's registry of
# media types (read 2026-11-28); .gz and .7z are the names that their programs register.
_FURTHER_TYPES: Final = {
    ".7z": "application/x-7z-compressed",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".epub": "application/epub+zip",
    ".gz": "application/gzip",
    ".ics": "text/calendar",
    ".md": "text/markdown",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".pkpass": "application/vnd.apple.pkpass",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".rtf": "application/rtf",
    ".vcf": "text/vcard",
    ".webp": "image/webp",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class FileContent(NamedTuple):
    """The bytes of a file, and the media type that a `data:` URL gave with them ("" for none)."""

    data: bytes
    media_type: str = ""


def read_content(text: str) -> FileContent:
    """The file in `text`: base64 (wrapped or not, padded or not, of either alphabet) or a `data:` URL. "" is empty.

    Raises ValueError that says what is wrong.
    """
    text = text.strip()
    url = _DATA_URL.match(text)
    if url is None:
        return FileContent(_base64(text))
    if not text.isascii():
        raise ValueError("is not a data: URL: it has characters that are not ASCII")
    kind, data = url[1], unquote_to_bytes(text[url.end() :])
    mark = _BASE64_MARK.search(kind)
    if mark is None:
        return FileContent(data, _type_of_url(kind))
    return FileContent(_base64(data.decode("latin-1")), _type_of_url(kind[: mark.start()]))


def read_media_type(text: str) -> str:
    """The media type with its parameters, each written as `; name=value`, in quotes where it needs them.

    Raises ValueError that says what is wrong.
    """
    found = _MEDIA_TYPE.match(text) if len(text) <= _MEDIA_TYPE_LIMIT else None
    if found is None:
        raise ValueError("must look like application/pdf or text/calendar; method=REQUEST")
    written, at = found[1], found.end()
    names = set()
    while not _NO_MORE.match(text, at):
        parameter = _PARAMETER.match(text, at)
        if parameter is None:
            raise ValueError("has a parameter that is not name=value in ASCII; the file's name belongs into filename")
        name, value = parameter[1], parameter[2] or parameter[3]
        if name.lower() in names:
            raise ValueError(f"has the parameter {name} twice")
        names.add(name.lower())
        written += f"; {name}={value}" if _TOKEN.fullmatch(value) else f'; {name}="{value}"'
        at = parameter.end()
    return written


def guess_media_type(filename: str) -> str:
    """The media type by the extension of `filename`; octet-stream if that is unknown, `message/*` or `multipart/*`."""
    _, dot, extension = filename.rpartition(".")
    guess = _types().get(f".{extension.lower()}", UNTYPED) if dot else UNTYPED
    # An email inside an email may not be base64 (RFC 2046 §5.2.1), which every attachment is.
    return UNTYPED if guess.startswith(("message/", "multipart/")) else guess


@cache
def _types() -> dict[str, str]:
    # Python's own table without the machine's files, so that the guess is the same on every machine.
    return {**mimetypes.MimeTypes().types_map[True], **_FURTHER_TYPES}


def _type_of_url(text: str) -> str:
    try:
        return read_media_type(text)
    except ValueError:
        return ""  # a data: URL needs none, and may have parameters alone


def _base64(text: str) -> bytes:
    compact = "".join(text.split())
    digits = compact.rstrip("=")
    padding = len(compact) - len(digits)
    is_padded_well = padding == 0 or (padding <= 2 and len(compact) % 4 == 0)
    is_of_two_alphabets = ("-" in digits or "_" in digits) and ("+" in digits or "/" in digits)
    if is_padded_well and not is_of_two_alphabets:
        standard = digits.replace("-", "+").replace("_", "/")
        with suppress(ValueError):
            return base64.b64decode(standard + "=" * (-len(digits) % 4), validate=True)
    raise ValueError("is not base64; encode the bytes of the file, or send a data: URL")
