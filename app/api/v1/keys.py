"""The calls about API keys: create, list, read, rotate, revoke."""

import hashlib
import logging
import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from app.api import times
from app.api.auth import Operator, Parts, may_operate, short_id
from app.api.body import JsonBody
from app.api.openapi import LOCATION, answer, body_errors, errors, json_request, nothing, refusals
from app.api.threads import Route
from app.api.v1 import key_examples, queries
from app.api.v1 import key_views as views
from app.api.v1.validation import read_request
from app.domain.caps import DAY_S
from app.domain.project import plain
from app.errors import Conflict, Forbidden, Invalid, NotFound, Unreadable
from app.store.api_keys import SCOPES, SHOWN, ApiKey, UnreadableKey
from app.store.key_rotation import rotate
from app.wiring.parts import Container

logger = logging.getLogger(__name__)
router = APIRouter(route_class=Route, tags=["keys"])

PREFIX: Final = "key_"
_IDS: Final = "[0-9a-f]{64}"
_ID: Final = re.compile(f"{PREFIX}({_IDS})")
_UNKNOWN = NotFound("there is no such API key; `GET /v1/keys` has their ids")
_OWN = Conflict("this is the key of this request: revoke it with another key of the scope `admin`, or rotate it")
_LAST = Conflict("no other key with the scope `admin` would be left that does not end; create one first")
OWN_OVERLAP_S: Final = 300
_SHORT = Invalid(("overlap_s", "must be at least 300 for the key of this request: a lost answer would lock you out"))

Id = Annotated[str, Path(description="the `id` of the key", examples=[key_examples.KEY["id"]])]


class Filter(queries.Query):
    """Which keys to list."""

    project: Annotated[queries.Project | None, queries.OrNone, Field(description="only keys of this project")] = None
    after: queries.Cursor = None
    limit: queries.Limit = 100


class Rotation(queries.Query):
    """How a key is rotated."""

    overlap_s: Annotated[
        int, Field(ge=0, le=30 * DAY_S, description="for how many seconds the old key still works; default: a day")
    ] = DAY_S


@router.post(
    "/v1/keys",
    status_code=201,
    responses=answer(key_examples.CREATED_KEY, 201, description="Created", headers=LOCATION)
    | refusals("admin")
    | body_errors(Invalid(("scopes[0]", "must be 'send', 'read' or 'admin'"))),
    openapi_extra=json_request(views.KeyRequest, {"example": ("a key that sends", key_examples.TO_CREATE)}),
)
def create_key(request: Request, response: Response, key: Operator, body: JsonBody, parts: Parts) -> views.CreatedKey:
    """Create an API key. Its secret is in this answer and nowhere else.

    If the answer is lost, the key is in the list without ever being used: revoke it, and create another one.
    """
    wanted = read_request(views.KeyRequest, body)
    _check_grant(key, wanted)
    if wanted.test and "admin" in wanted.scopes:
        raise Invalid(("scopes", "a test key may not have `admin`, which is for real providers and real mail"))
    secret = parts.api_keys.create(
        wanted.name,
        wanted.scopes,
        wanted.domains,
        project=wanted.project,
        is_test=wanted.test,
        lane=wanted.lane,
        rate_limit=wanted.rate_limit,
    )
    made = _new(secret, parts)
    logger.warning("key created", extra={"made": short_id(made), "key_id": short_id(key)})
    response.headers["Location"] = f"{request.scope['root_path']}/v1/keys/{PREFIX}{made.id}"
    return views.CreatedKey(**_fields(made, parts), secret=secret)


@router.get(
    "/v1/keys",
    dependencies=[queries.checked(Filter), Depends(may_operate)],
    responses=answer(key_examples.KEYS) | refusals("admin") | errors(Invalid(("limit", "must be at most 100"))),
)
def list_keys(chosen: Annotated[Filter, Query()], parts: Parts) -> views.KeyList:
    """List the API keys of every project, newest first, revoked ones too, without their secrets."""
    known, unreadable = parts.api_keys.read()
    wanted = (one for one in known if chosen.project in (None, plain(one.project)))
    page, after = queries.newest_first(wanted, chosen.after, chosen.limit, _IDS)
    shown = [views.Key(**_fields(one, parts)) for one in page]
    return views.KeyList(keys=shown, unreadable=[PREFIX + one.id for one in unreadable], after=after)


@router.post(
    "/v1/keys/{key_id}/rotate",
    status_code=201,
    dependencies=[queries.checked(Rotation)],
    responses=answer(key_examples.ROTATED_KEY, 201, description="Rotated", headers=LOCATION)
    | refusals("admin")
    | errors(_UNKNOWN, Conflict("this API key does not work any more; create a new one"), _SHORT),
)
def rotate_key(
    request: Request, response: Response, key_id: Id, chosen: Annotated[Rotation, Query()], key: Operator, parts: Parts
) -> views.RotatedKey:
    """Create a key that may do the same, with the same name and project, and let the old one work for a day more.

    To rotate it again creates another key; the old one ends when it was first to end. So it can be done again if the
    answer was lost.
    """
    old, now_ms = _readable(key_id, parts), int(parts.clock() * 1000)
    _check_grant(key, old)
    if not old.works(now_ms):
        raise Conflict("this API key does not work any more; create a new one")
    if old.id == key.id and chosen.overlap_s < OWN_OVERLAP_S:
        raise _SHORT
    secret, ends_ms = rotate(old.id, chosen.overlap_s * 1000, now_ms)
    made = _new(secret, parts)
    logger.warning("key rotated", extra={"made": short_id(made), "old": short_id(old), "key_id": short_id(key)})
    response.headers["Location"] = f"{request.scope['root_path']}/v1/keys/{PREFIX}{made.id}"
    ends = times.write(ends_ms)
    return views.RotatedKey(**_fields(made, parts), secret=secret, old_id=PREFIX + old.id, old_expires_at=ends)


@router.get(
    "/v1/keys/{key_id}",
    dependencies=[Depends(may_operate)],
    responses=answer(key_examples.KEY) | refusals("admin") | errors(_UNKNOWN),
)
def get_key(key_id: Id, parts: Parts) -> views.Key:
    """Read one API key, without its secret."""
    return views.Key(**_fields(_readable(key_id, parts), parts))


@router.delete(
    "/v1/keys/{key_id}",
    status_code=204,
    responses=nothing(204, "Revoked") | refusals("admin") | errors(_UNKNOWN, _OWN),
)
def revoke_key(key_id: Id, key: Operator, parts: Parts) -> None:
    """Revoke an API key, which stops working within ten seconds. To revoke it again changes nothing.

    The key of this request is refused, and so is the last one of the scope `admin` that does not end: nobody locks
    themselves out by one call.
    """
    found = _stored(key_id, parts)
    if found.id == key.id:
        raise _OWN
    own = parts.api_keys.get(key.id)  # as it is now, and not some seconds ago: it may have been rotated
    lasts = isinstance(own, ApiKey) and own.expires_at_ms is None
    if not lasts and not _is_another_left(found.id, parts):
        raise _LAST
    parts.api_keys.revoke(found.id)
    logger.warning("key revoked", extra={"revoked": found.id[:SHOWN], "key_id": short_id(key)})


def _is_another_left(key_id: str, parts: Container) -> bool:
    """Whether a key of the scope `admin` is left without that one, and does not end."""
    return any(
        "admin" in one.scopes and one.id != key_id and one.revoked_at_ms is None and one.expires_at_ms is None
        for one in parts.api_keys.all()
    )


def _check_grant(key: ApiKey, new: views.KeyRequest | ApiKey) -> None:
    """Raise Forbidden if `new` could send from more domains than `key`, in another lane, or faster."""
    if key.domains and (not new.domains or not set(new.domains) <= set(key.domains)):
        what = f"may send from {', '.join(key.domains)} only"
    elif key.lane not in (None, new.lane):
        what = f"is fixed to the lane {key.lane}"
    elif key.rate_limit is not None and (new.rate_limit is None or new.rate_limit > key.rate_limit):
        what = f"may send {key.rate_limit} emails a second"
    else:
        return
    raise Forbidden(f"this API key {what}, and grants no more than it has")


def _stored(key_id: str, parts: Container) -> ApiKey | UnreadableKey:
    named = _ID.fullmatch(key_id)
    found = parts.api_keys.get(named[1]) if named else None
    if found is None:
        raise _UNKNOWN
    return found


def _readable(key_id: str, parts: Container) -> ApiKey:
    found = _stored(key_id, parts)
    if isinstance(found, UnreadableKey):
        raise Unreadable("this API key was written by another version, which can read it; it can be revoked")
    return found


def _new(secret: str, parts: Container) -> ApiKey:
    return _readable(PREFIX + hashlib.sha256(secret.encode()).hexdigest(), parts)


def _fields(key: ApiKey, parts: Container) -> dict[str, Any]:
    works = key.works(int(parts.clock() * 1000))
    ending = "active" if key.expires_at_ms is None else "ending" if works else "ended"
    return {
        "id": PREFIX + key.id,
        "name": key.name,
        "project": plain(key.project),
        "test": key.is_test,
        "lane": key.lane,
        "rate_limit": key.rate_limit,
        "scopes": [scope for scope in SCOPES if scope in key.scopes],
        "domains": list(key.domains),
        "state": ending if key.revoked_at_ms is None else "revoked",
        "created_at": times.write(key.created_at_ms),
        "last_used_at": times.write_optional(key.last_used_at_ms),
        "expires_at": times.write_optional(key.expires_at_ms),
        "revoked_at": times.write_optional(key.revoked_at_ms),
    }
