"""What a client may send: the fields of each request. `fields` has their types, `validation` compares them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from typing_extensions import TypeAliasType

from app.api.v1.fields import (
    RECIPIENT_LIMIT,
    Address,
    Addresses,
    Content,
    ContentId,
    Headers,
    IdempotencyKey,
    Label,
    MediaType,
    Metadata,
    OneLine,
    Project,
    Sender,
    Subject,
    TagRequest,
    Tags,
    Text,
    Time,
)
from app.api.v1.files import guess_media_type
from app.api.v1.forms import Request, accepting, list_of, one_or_list_of
from app.domain.lane import Lane
from app.domain.suppression import Reason
from app.outgoing.targets import MOST_CHARACTERS


def _unique(items: list[str]) -> list[str]:
    if len(set(items)) < len(items):
        raise ValueError("must not hold the same one twice")
    return items


OnUncertain = TypeAliasType("OnUncertain", Literal["wait", "failover", "fail"])  # its name is that of its schema


class AttachmentRequest(Request):
    """A file that travels with the email."""

    filename: Annotated[
        str,
        StringConstraints(min_length=1, max_length=255),
        OneLine,
        Field(description="what the recipient sees: `invoice.pdf`"),
    ]
    content: Annotated[
        Content,
        Field(description="base64, of either alphabet, wrapped and padded or not; or a `data:` URL. May be empty"),
    ]
    content_type: Annotated[
        MediaType | None,
        Field(
            description="`application/pdf`, or with parameters: `text/calendar; method=REQUEST`; default: what a"
            " `data:` URL says, else what the file name says, else `application/octet-stream`"
        ),
    ] = None
    content_id: Annotated[
        ContentId | None,
        Field(
            description="makes the file inline: the HTML shows it by a URL of `cid:` and this id, which may also be"
            " given in angle brackets"
        ),
    ] = None

    @property
    def media_type(self) -> str:
        """The type that the client gave, or the best guess."""
        return self.content_type or self.content.media_type or guess_media_type(self.filename)


class TrackingRequest(Request):
    """What the providers are to find out about the recipients of an email. They change its HTML for it."""

    opens: Annotated[bool, Field(description="whether it is opened, by a picture that is added to `html`")] = False
    clicks: Annotated[
        bool, Field(description="which links are clicked, by leading those of `html` through a host of the provider's")
    ] = False


class EmailRequest(Request):
    """An email to send. An optional field that is null or an empty string counts as left out, also inside a list."""

    sender: Annotated[
        Sender,
        Field(
            alias="from",
            description="`no-reply@example.com`, `App <no-reply@example.com>`, `no-reply@example.com (App)`, or an"
            " object with `email` and `name`; so are the addresses of the other fields",
        ),
    ]
    to: Annotated[
        Addresses,
        Field(
            description=f"1 to {RECIPIENT_LIMIT} recipients, with cc and bcc together; one, or a list. With nobody in"
            " `to`, each recipient gets an email of its own"
        ),
        Field(default_factory=list),
    ]
    cc: Annotated[Addresses, Field(default_factory=list, description="further recipients, whom everybody sees")]
    bcc: Annotated[Addresses, Field(default_factory=list, description="further recipients, whom nobody sees")]
    reply_to: Annotated[Addresses, Field(default_factory=list, description="where answers go, instead of `from`")]
    subject: Annotated[Subject, Field(description="may be empty")]
    text: Annotated[Text, Field(description="`text`, `html` or both are required")] = ""
    html: Annotated[Text, Field(description="the same as HTML; a picture is an attachment with a `content_id`")] = ""
    headers: Annotated[
        Headers,
        Field(
            description="further headers, 50 at most, as an object or as a list of `name` and `value`; a header that a"
            " field of its own sets is refused"
        ),
        Field(default_factory=dict),
    ]
    attachments: Annotated[
        list[AttachmentRequest],
        accepting(one_or_list_of(AttachmentRequest, max_length=20)),
        Field(default_factory=list, description="files, 20 at most; one, or a list"),
    ]
    tags: Annotated[
        Tags,
        Field(description="10 different ones at most; one with a `name` and a `value` becomes `metadata`"),
        Field(default_factory=list),
    ]
    metadata: Annotated[Metadata, Field(default_factory=dict, description="20 entries at most, with those of `tags`")]
    send_at: Annotated[
        Time | None,
        Field(description="when it is sent; at most 30 days ahead; at once if that is over; default: at once"),
    ] = None
    scheduled_at: Annotated[Time | None, Field(description="the same as `send_at`, as other APIs call it")] = None
    expires_at: Annotated[
        Time | None,
        Field(
            description="no attempt is made after this time; at most 30 days ahead, and later than `send_at`; default:"
            " 24 hours after that"
        ),
    ] = None
    on_uncertain: Annotated[
        OnUncertain,
        Field(
            description="when a provider may or may not have sent it: wait for evidence, fail over, or give up. "
            "Calls of unknown outcome are at most 2, 4 or 1 for a recipient"
        ),
    ] = "wait"
    providers: Annotated[
        list[str],
        accepting(list_of(str, min_length=1)),
        AfterValidator(_unique),
        Field(description="send through these providers only"),
        Field(default_factory=list),
    ]
    collapse_key: Annotated[
        Label | None,
        Field(
            description="the newest email with this key and the same to, cc and bcc replaces those of the same project"
            " that are still queued"
        ),
    ] = None
    critical: Annotated[
        bool,
        Field(
            description="send it again through the next provider if the one that accepted it falls silent; "
            "never with `on_uncertain: fail`"
        ),
    ] = False
    lane: Annotated[
        Lane | None,
        Field(
            strict=False,
            description="`urgent` passes `normal`, and both pass `bulk`, which may take hours. Default: that of the API"
            " key, or `normal`, in a batch `bulk`; one that differs from the lane to which the key is fixed is refused",
        ),
    ] = None
    override_suppression: Annotated[
        bool, Field(description="send to suppressed addresses, too; needs an API key with the scope `admin`; is logged")
    ] = False
    tracking: Annotated[
        TrackingRequest,
        Field(
            description="both off by default, whatever the settings of an account are. A provider that cannot be told"
            " is used all the same; `explain` names it"
        ),
        Field(default_factory=TrackingRequest),
    ]
    webhook_url: Annotated[
        str | None,
        StringConstraints(max_length=MOST_CHARACTERS),
        Field(
            description="what becomes of this email is posted there, too, signed by the project's default secret; an"
            " https URL of a public host"
        ),
    ] = None

    @property
    def begins_at(self) -> int | None:
        """When it is to be sent, by either name."""
        return self.send_at if self.send_at is not None else self.scheduled_at

    @property
    def labels(self) -> tuple[str, ...]:
        """The tags that are no metadata, each once."""
        return tuple(dict.fromkeys(tag for tag in self.tags if isinstance(tag, str)))

    @property
    def all_metadata(self) -> dict[str, str]:
        """The metadata with that of the tags."""
        return {tag.name: tag.value for tag in self.tags if isinstance(tag, TagRequest)} | self.metadata


class BatchEmailRequest(EmailRequest):
    """An email of a batch: what an email is, and the key that a single one has in a header."""

    idempotency_key: Annotated[
        IdempotencyKey | None,
        Field(description="as the header `Idempotency-Key` of a single send, with which it shares its names"),
    ] = None


class SuppressionRequest(Request):
    """An address to which nothing is to be sent."""

    address: Annotated[Address, Field(description="with or without a name, as in an email")]
    reason: Annotated[Reason, Field(strict=False, description="why")] = Reason.MANUAL
    note: Annotated[
        str,
        StringConstraints(min_length=1, max_length=500),
        OneLine,
        Field(description="the evidence: who said so, and where"),
    ]
    until: Annotated[Time | None, Field(description="at most 10 years ahead; the default depends on the reason")] = None
    project: Annotated[Project | None, Field(description="whose mail it stops; default: that of every project")] = None
