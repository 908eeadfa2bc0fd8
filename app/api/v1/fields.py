"""The types of the fields of a request: which forms each takes, and what it is refused for."""

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainValidator,
    StringConstraints,
    Tag,
    WithJsonSchema,
)
from typing_extensions import TypeAliasType

from app.api import addresses, times
from app.api.v1 import remedies
from app.api.v1.files import FileContent, read_content, read_media_type
from app.api.v1.forms import (
    LIST,
    OBJECT,
    TEXT,
    Request,
    accepting,
    blank_as_none,
    form_of_item,
    form_of_mapping,
    list_of,
    one_or_list_of,
    or_number,
)
from app.domain.email import Mailbox
from app.domain.headers import STRUCTURED_LIMIT
from app.domain.project import check_project

RECIPIENT_LIMIT, HEADER_LIMIT, METADATA_LIMIT = 50, 50, 20
MORE_RECIPIENTS = "send the email to the others in further requests"
_ANSWERS = "who else is to get answers goes into `reply_to`"
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,126}")  # a token of RFC 9110 §5.6.2
_METADATA_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TWICE = "must not hold the same name twice; case does not tell names apart"
_CONTENT_ID = re.compile(r"[A-Za-z0-9._@+\-]{1,128}")


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL characters")
    return text


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 because pydantic reports ValueError, not TypeError
    return value


def _ascii(text: str) -> str:
    if re.fullmatch(r"[ -~]*", text) is None:
        raise ValueError("must be printable ASCII")
    return text


def _mailbox(value: object) -> Mailbox:
    return addresses.read(_string(value))


def _one_address(value: object) -> object:
    """The value as it is. Raises ValueError if it names several addresses, as the usual remedy is none for a `from`."""
    if isinstance(value, list):
        raise ValueError(f"must be one address and not a list; {_ANSWERS}")  # noqa: TRY004 because of pydantic
    try:
        addresses.read(value if isinstance(value, str) else "")
    except addresses.SeveralAddresses:
        raise ValueError(f"names several addresses, and an email is from one; {_ANSWERS}") from None
    except ValueError:
        pass  # the field's own type says it
    return value


def _recipients(value: object) -> object:
    if isinstance(value, list) and len(value) > RECIPIENT_LIMIT:
        raise ValueError(f"may have at most {RECIPIENT_LIMIT} addresses; {MORE_RECIPIENTS}")
    return [value] if isinstance(value, str | dict) else value


def _header_name(name: str) -> str:
    if _HEADER_NAME.fullmatch(name) is None:
        raise ValueError("is not a header name: letters, digits and -, at most 126 characters")
    if remedy := remedies.of_header(name):
        raise ValueError(remedy)
    return name


def _metadata_key(key: str) -> str:
    if _METADATA_KEY.fullmatch(key) is None:
        raise ValueError("is not a key: letters, digits, _ and -, at most 64 characters")
    if key.lower().startswith("em_"):
        raise ValueError("is taken: keys that start with em_ are ours")
    return key


def _content_id(text: str) -> str:
    plain = text[1:-1] if text.startswith("<") and text.endswith(">") else text.removeprefix("cid:")
    if _CONTENT_ID.fullmatch(plain) is None:
        raise ValueError("must have letters, digits and . _ @ + - only, at most 128")
    return plain


class MailboxRequest(Request):
    """An address with a name."""

    email: Annotated[str, AfterValidator(addresses.bare), Field(description="`ann@example.com`")]
    name: Annotated[str, AfterValidator(addresses.name), Field(description="what is shown before it: `Ann`")] = ""


class HeaderRequest(Request):
    """A header."""

    name: Annotated["HeaderName", Field(description="`X-Campaign`")]
    value: Annotated["HeaderValue", Field(description="a text; a number or a boolean becomes one")] = ""


class TagRequest(Request):
    """A tag with a value, which is an entry of `metadata`."""

    name: Annotated["MetadataKey", Field(description="letters, digits, `_` and `-`")]
    value: Annotated["MetadataValue", Field(description="a text; a number or a boolean becomes one")]


def _by_name(headers: list[HeaderRequest]) -> dict[str, str | None]:
    if len({header.name for header in headers}) < len(headers):
        raise ValueError(_TWICE)
    return {header.name: header.value or None for header in headers}


def _entries(pairs: list[TagRequest]) -> dict[str, str | None]:
    if len({pair.name for pair in pairs}) < len(pairs):
        raise ValueError("must not hold the same name twice")
    return {pair.name: pair.value for pair in pairs}


def _headers(given: dict[str, str | None]) -> dict[str, str]:
    if len({name.lower() for name in given}) < len(given):
        raise ValueError(_TWICE)
    return _values(given)


def _values(given: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in given.items() if value is not None}


_AsText = Annotated[Mailbox, PlainValidator(_mailbox, json_schema_input_type=str), Tag(TEXT)]
_AsObject = Annotated[MailboxRequest, AfterValidator(lambda given: Mailbox(given.email, given.name)), Tag(OBJECT)]
_Address: Any = Annotated[_AsText | _AsObject, Discriminator(form_of_item)]
_Addresses: Any = list_of(_Address, max_length=RECIPIENT_LIMIT)
Address = Annotated[Mailbox, accepting(_Address)]
Sender = Annotated[Address, BeforeValidator(_one_address, json_schema_input_type=_Address)]
Addresses = Annotated[
    list[Mailbox],
    accepting(Annotated[_Addresses, BeforeValidator(_recipients, json_schema_input_type=_Address | _Addresses)]),
]

OneLine = AfterValidator(addresses.one_line)
Text = Annotated[str, AfterValidator(_no_nul)]
Subject = Annotated[str, StringConstraints(max_length=998), OneLine]
Label = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(_ascii)]
# The spaces around it are not its own: a header has none.
IdempotencyKey = Annotated[str, StringConstraints(min_length=1, max_length=256, strip_whitespace=True), OneLine]
Time = Annotated[
    int,
    PlainValidator(lambda value: times.read(_string(value))),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]

Project = Annotated[str, AfterValidator(check_project)]

HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, StringConstraints(max_length=STRUCTURED_LIMIT), OneLine, or_number(STRUCTURED_LIMIT)]
# The names of these two are those of their schemas: a client has a class for each.
EmailHeaders = TypeAliasType(
    "EmailHeaders",
    Annotated[
        dict[HeaderName, Annotated[HeaderValue | None, BeforeValidator(blank_as_none)]], Field(max_length=HEADER_LIMIT)
    ],
)
_HeadersAsList = Annotated[
    list[HeaderRequest], accepting(list_of(HeaderRequest, max_length=HEADER_LIMIT)), AfterValidator(_by_name), Tag(LIST)
]
Headers = Annotated[
    dict[str, str],
    accepting(
        Annotated[
            Annotated[EmailHeaders, Tag(OBJECT)] | _HeadersAsList,
            Discriminator(form_of_mapping),
            AfterValidator(_headers),
        ]
    ),
]
MetadataKey = Annotated[str, AfterValidator(_metadata_key)]
MetadataValue = Annotated[str, StringConstraints(max_length=500), OneLine, or_number(500)]
EmailMetadata = TypeAliasType(
    "EmailMetadata", Annotated[dict[MetadataKey, MetadataValue | None], Field(max_length=METADATA_LIMIT)]
)
_MetadataAsList = Annotated[
    list[TagRequest], accepting(list_of(TagRequest, max_length=METADATA_LIMIT)), AfterValidator(_entries), Tag(LIST)
]
Metadata = Annotated[
    dict[str, str],
    accepting(
        Annotated[
            Annotated[EmailMetadata, Tag(OBJECT)] | _MetadataAsList,
            Discriminator(form_of_mapping),
            AfterValidator(_values),
        ]
    ),
]

_TagText = Annotated[str, StringConstraints(min_length=1, max_length=128), OneLine, or_number(128), Tag(TEXT)]
_Tag = Annotated[_TagText | Annotated[TagRequest, Tag(OBJECT)], Discriminator(form_of_item)]
Tags = Annotated[
    list[str | TagRequest],
    accepting(one_or_list_of(_Tag, max_length=50)),
]

Content = Annotated[FileContent, PlainValidator(lambda value: read_content(_string(value)), json_schema_input_type=str)]
MediaType = Annotated[str, AfterValidator(read_media_type)]
ContentId = Annotated[str, AfterValidator(_content_id)]
