"""Reads the two kinds of HTML form that Mailgun's API takes: urlencoded and multipart."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from email.utils import collapse_rfc2231_value
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form. `filename` is None unless the field is a file."""

    name: str
    content: bytes
    filename: str | None = None
    content_type: str = "text/plain"

    @property
    def text(self) -> str:
        """The content of a field that is not a file. Raises ValueError if it is not UTF-8."""
        return self.content.decode()


def read_form(content_type: str, body: bytes) -> list[Part]:
    """The fields of a form, in order. Raises ValueError if `body` is not a form."""
    header = Message()
    header["Content-Type"] = content_type
    if header.get_content_type() == "application/x-www-form-urlencoded":
        return [
            Part(name, value.encode())
            for name, value in parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
        ]
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise ValueError(f"not a form: {content_type!r}")
    return list(_parts(boundary.encode(), body))


def _parts(boundary: bytes, body: bytes) -> Iterator[Part]:
    # The parser of the standard library's email package does not fit: it would also parse a file of the type
    # message/rfc822, which must stay whole.
    preamble, *chunks = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if not chunks or preamble.strip() or chunks.pop().strip() != b"--":
        raise ValueError("the form does not end with its boundary")
    for chunk in chunks:
        head, _, content = chunk.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = HeaderParser().parsestr(head.decode())
        name = collapse_rfc2231_value(headers.get_param("name", "", header="content-disposition"))
        if not name:
            raise ValueError("a part of the form has no name")
        yield Part(name, content, headers.get_filename(), headers.get_content_type())
