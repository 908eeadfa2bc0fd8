"""The shapes of the requests and answers about API keys. Class names are schema names in the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from app.api.v1.fields import OneLine, Project
from app.api.v1.forms import Request
from app.api.v1.views import Time
from app.domain.address import ascii_domain
from app.domain.lane import Lane
from app.domain.project import DEFAULT
from app.domain.rate import MOST_A_SECOND

Scope = Literal["send", "read", "admin"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100), OneLine]


class KeyRequest(Request):
    """A new API key."""

    name: Annotated[Name, Field(description="what it is for")]
    scopes: Annotated[
        list[Scope], Field(min_length=1, max_length=3, description="what it may do; `admin` may do everything")
    ]
    domains: Annotated[
        list[Annotated[str, StringConstraints(max_length=253), AfterValidator(ascii_domain)]],
        Field(max_length=100, description="the domains that it may send from; none: any", default_factory=list),
    ]
    project: Annotated[Project, Field(description="whose emails it sends, sees and cancels")] = DEFAULT
    test: Annotated[bool, Field(description="what it sends goes to the sandbox, and reaches nobody")] = False
    lane: Annotated[
        Lane | None, Field(strict=False, description="the lane of all its emails; none: the one that each names")
    ] = None
    rate_limit: Annotated[
        int | None, Field(ge=1, le=MOST_A_SECOND, description="emails a second; none: as many as come")
    ] = None


class Key(BaseModel):
    """An API key, without its secret.

    `state`: `active`; `ending`, which works until `expires_at` because it was rotated; `ended`; `revoked`.
    """

    id: Annotated[str, Field(description="names the key in URLs; it does not authenticate")]
    name: str
    project: str
    test: Annotated[bool, Field(description="what it sends goes to the sandbox, and reaches nobody")]
    lane: Annotated[Lane | None, Field(description="the lane of all its emails; null: the one that each names")]
    rate_limit: Annotated[int | None, Field(description="emails a second; null: as many as come")]
    scopes: list[Scope]
    domains: Annotated[list[str], Field(description="the domains that it may send from; none: any")]
    state: Literal["active", "ending", "ended", "revoked"]
    created_at: Time
    last_used_at: Annotated[Time | None, Field(description="up to an hour old; null: never")]
    expires_at: Annotated[Time | None, Field(description="when it stops working because it was rotated")]
    revoked_at: Time | None


class CreatedKey(Key):
    """A new API key. `secret` is shown this once: only its SHA-256 is stored."""

    secret: Annotated[str, Field(description="the key itself: `Authorization: Bearer` and this")]


class RotatedKey(CreatedKey):
    """The new API key after a rotation, and when the old one stops working."""

    old_id: str
    old_expires_at: Time


class KeyList(BaseModel):
    """One page of API keys, newest first. `after` is the cursor of the next page; null: there are no more."""

    keys: list[Key]
    unreadable: Annotated[
        list[str],
        Field(description="ids of keys that this version cannot read: they authenticate nobody, and can be revoked"),
    ]
    after: str | None
