"""The table of what a provider carries and how it works. Everything that depends on these values reads them here.

Pre-flight and `explain` read it through `capability`; a provider's `build`, the simulator and the page
docs/providers/matrix.md read it directly.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Annotated, Final, Generic, TypeVar

from app.domain.capability import Capability
from app.domain.eligibility import misfit
from app.domain.email import Tracking
from app.domain.sizes import Carried
from app.providers.sdk.content_types import ContentTypes
from app.providers.sdk.refusal import Unsendable

Value = TypeVar("Value", covariant=True)

# What more than one provider allows as name and value of a tag.
TAG_CHARACTERS: Final = re.compile(r"[A-Za-z0-9_-]+")
ANY_TEXT: Final = re.compile(r".*", re.DOTALL)
ASCII_TEXT: Final = re.compile(r"[ -~]*")
ALL_TRACKING: Final = frozenset(field.name for field in fields(Tracking))


@dataclass(frozen=True, slots=True)
class Limit(Generic[Value]):
    """One value with the source that says so, and the day (ISO 8601) on which that was read.

    The value None is no limit: none is documented.
    """

    value: Value
    source: str
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one provider carries. Every row has to be given, so that a new one cannot be forgotten anywhere.

    Sizes are those on the wire unless a row says something else. Names of headers and extensions are lower-case.
    """

    recipients: Annotated[Limit[int], "recipients of one call: to, cc and bcc together"]
    traceable_recipients: Annotated[Limit[int | None], "recipients of one call whom its events can tell apart"]
    to_required: Annotated[Limit[bool], "somebody has to be in `to`"]
    size_bytes: Annotated[Limit[int], "bytes of the whole email, base64 included"]
    header_section_bytes: Annotated[Limit[int | None], "bytes of the email's headers"]
    ascii_addresses: Annotated[Limit[frozenset[str]], "fields whose addresses must be ASCII before the @"]
    empty_subject: Annotated[Limit[bool], "the subject may be empty"]
    subject_chars: Annotated[Limit[int | None], "characters of the subject"]
    tags: Annotated[Limit[int | None], "tags of one email; further ones are left out"]
    tag_chars: Annotated[Limit[int | None], "characters of a tag; a longer one is left out"]
    tag_characters: Annotated[Limit[re.Pattern[str]], "what a tag may look like; others are left out"]
    tags_add: Annotated[Limit[str], "what tags make the provider add to an email"]
    metadata: Annotated[Limit[int | None], "pairs of metadata of one email, our two ids included"]
    metadata_name_chars: Annotated[Limit[int | None], "characters of a name of metadata"]
    metadata_value_chars: Annotated[Limit[int | None], "characters of a value of metadata"]
    metadata_characters: Annotated[Limit[re.Pattern[str]], "what name and value of metadata may look like"]
    metadata_bytes: Annotated[Limit[int | None], "bytes of all metadata, our ids included"]
    options_bytes: Annotated[Limit[int | None], "bytes of headers, tags and metadata together"]
    attachments: Annotated[Limit[int | None], "attachments of one email"]
    attachment_bytes: Annotated[Limit[int | None], "bytes of one attachment, before it is encoded"]
    empty_attachments: Annotated[Limit[bool], "an attachment may be empty"]
    blocked_extensions: Annotated[Limit[frozenset[str]], "extensions of attachments that are refused"]
    filename_chars: Annotated[Limit[int | None], "characters of an attachment's name"]
    filename_replaced: Annotated[Limit[str], "characters of an attachment's name that become `_`"]
    unicode_filenames: Annotated[Limit[bool], "other than ASCII in an attachment's name arrives as it was given"]
    content_types: Annotated[Limit[ContentTypes], "content types of attachments"]
    headers: Annotated[Limit[int | None], "custom headers of one email"]
    header_name_chars: Annotated[Limit[int | None], "characters of a custom header's name"]
    header_value_chars: Annotated[Limit[int | None], "characters of a custom header's value"]
    reserved_headers: Annotated[Limit[frozenset[str]], "headers that cannot be set"]
    reserved_header_prefixes: Annotated[Limit[tuple[str, ...]], "beginnings of headers that cannot be set"]
    unique_headers: Annotated[Limit[frozenset[str]], "headers that cannot come twice; `*`: none can"]
    own_list: Annotated[Limit[str], "where an address is cleared from the account's own suppression list"]
    tracking: Annotated[
        Limit[frozenset[str]],
        "tracking that each call switches on or off; the rest is a setting of the domain or account",
    ]
    idempotent_for_s: Annotated[Limit[int], "seconds for which an idempotency key is known; 0: there are no keys"]
    sandbox: Annotated[Limit[str], "how to try a call without sending"]
    webhook_authentication: Annotated[Limit[str], "what proves that a webhook is the provider's"]
    regions: Annotated[Limit[tuple[str, ...]], "regions, each with its own accounts"]

    def capability(self, from_domains: tuple[str, ...] = (), organization: str = "") -> Capability:
        """The rows that an email may break, for pre-flight: those that Capability has a field for.

        The other two are the account's: its From domains, and the organizational domain that signs its emails.
        """
        names = [field.name for field in fields(Capability) if field.name not in ("from_domains", "organization")]
        rows = {name: getattr(self, name).value for name in names}
        return Capability(from_domains=from_domains, organization=organization, **rows)

    def fitting_tags(self, tags: Iterable[str]) -> list[str]:
        """The tags that the provider takes, each once. Tags are for statistics, so the others are left out."""
        longest, pattern = self.tag_chars.value, self.tag_characters.value
        fitting = [
            tag for tag in dict.fromkeys(tags) if (longest is None or len(tag) <= longest) and pattern.fullmatch(tag)
        ]
        return fitting[: self.tags.value]

    def fits_metadata(self, name: str, value: str) -> bool:
        """Whether the provider takes this pair as metadata."""
        pairs = ((name, self.metadata_name_chars.value), (value, self.metadata_value_chars.value))
        return all(
            self.metadata_characters.value.fullmatch(text) and (most is None or len(text) <= most)
            for text, most in pairs
        )

    def check(self, carried: Carried) -> None:
        """Raise Unsendable for what the provider cannot express or refuses, in the words of pre-flight."""
        if self.to_required.value and not carried.to:
            raise Unsendable("to: the provider needs a recipient there")
        if reason := misfit(self.capability(), carried):
            raise Unsendable(reason)
