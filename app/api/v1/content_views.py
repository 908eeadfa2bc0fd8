"""The shapes of the answers about an email's content. Class names are schema names in the OpenAPI document."""

from typing import Annotated

from pydantic import BaseModel, Field


class EmailAttachment(BaseModel):
    """One attachment, without its bytes."""

    number: Annotated[int, Field(description="from 1, in the order of the email")]
    filename: str
    content_type: str
    size_bytes: int
    content_id: Annotated[str | None, Field(description="by which the HTML shows it, if it is inline")]
    url: Annotated[str, Field(description="the path at which it is downloaded, without a host")]


class EmailContent(BaseModel):
    """What an email says, as it was sent in. `text` and `html` are null if it has none."""

    id: str
    subject: str
    text: str | None
    html: str | None
    attachments: list[EmailAttachment]
