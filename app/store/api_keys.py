"""API keys: only the SHA-256 of a key is stored, so the table is worth nothing to a thief."""

import hashlib
import logging
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.exceptions import PutError, PynamoDBException
from pynamodb.models import Model

from app.domain.address import ascii_domain
from app.domain.freshness import Clock, Clocks, Moment
from app.domain.lane import Lane
from app.domain.project import DEFAULT, check_kept, is_of_test_keys, of_test_keys
from app.errors import Unreadable
from app.store.failures import is_condition_failed
from app.store.item_values import as_written, by_model, optional_ms, read_item, time_ms
from app.store.raw_items import Raw

SCOPES = ("send", "read", "admin")
PREFIX = "em_"
TEST_PREFIX = "em_test_"
SHOWN = 12  # characters of an id, by which lists and logs name a key
UNKNOWN_FOR_S = 3.0  # whoever tries a key again that does not exist costs no read
UNKNOWN_AT_MOST = 1000
CACHE_FOR_S = 10.0  # a revoked key works for this long at most
USE_NOTED_EVERY_MS = 3_600_000  # so often a key learns that it is used

_log = logging.getLogger(__name__)


class ApiKeyItem(Model):
    """One key: its project, its scopes, and the From domains it may send from (none: any)."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    key_sha256 = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute()
    project = UnicodeAttribute(null=True)
    lane = UnicodeAttribute(null=True)
    scopes = UnicodeSetAttribute()
    domains = UnicodeSetAttribute(null=True)
    created_at = NumberAttribute()
    revoked_at = NumberAttribute(null=True)
    rate_limit = NumberAttribute(null=True)
    expires_at = NumberAttribute(null=True)
    last_used_at = NumberAttribute(null=True)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. `id` is the SHA-256 (hex) of the secret. Times are epoch milliseconds.

    `project` is where what it sends is kept: `test:shop` if it is a test key of `shop`, which meets none of its mail.
    `expires_at_ms` is when it stops working because it was rotated. `last_used_at_ms` may be an hour old.
    """

    id: str
    name: str
    scopes: frozenset[str]
    domains: tuple[str, ...]
    created_at_ms: int
    revoked_at_ms: int | None = None
    project: str = DEFAULT
    lane: Lane | None = None  # the one in which it sends everything; None: the one that an email names
    rate_limit: int | None = None  # emails a second; None: as many as come
    expires_at_ms: int | None = None
    last_used_at_ms: int | None = None

    @property
    def is_test(self) -> bool:
        """Whether all that it sends goes to the sandbox."""
        return is_of_test_keys(self.project)

    def works(self, now_ms: int) -> bool:
        """Whether it authenticates anybody now."""
        return self.revoked_at_ms is None and (self.expires_at_ms is None or now_ms < self.expires_at_ms)

    @property
    def sees(self) -> str | None:
        """The project whose emails it reads and cancels. None: those of all."""
        return None if "admin" in self.scopes else self.project


class UnreadableKey(NamedTuple):
    """A stored key that cannot be read. It authenticates nothing here, but perhaps where another version runs."""

    id: str
    is_revoked: bool


class ApiKeys:
    """Finds keys by their secret, through a cache of a few seconds."""

    def __init__(self, clock: Clock, monotonic: Clock = time.monotonic) -> None:
        self._clock = clock
        self._clocks = Clocks(clock, monotonic)
        self._cache: dict[str, tuple[Moment, ApiKey]] = {}
        self._unknown: dict[str, Moment] = {}  # when it was last read that there is no such key
        self._use_noted_ms: dict[str, int] = {}  # when this process last tried to note that a key is used

    def find(self, secret: str) -> ApiKey | None:
        """The key with that secret, or None if there is none, it was revoked or has ended, or it cannot be read.

        What does not begin as our keys do is never looked up.
        """
        key_id = hashlib.sha256(secret.encode()).hexdigest()
        cached = self._cache.get(key_id)
        if cached and self._clocks.is_within(cached[0], CACHE_FOR_S):
            return cached[1] if cached[1].works(self._now_ms()) else None
        self._cache.pop(key_id, None)
        if not secret.startswith(PREFIX) or self._clocks.is_within(self._unknown.get(key_id), UNKNOWN_FOR_S):
            return None
        read_at = self._clocks.now()
        raw = ApiKeyItem._get_connection().get_item(key_id, consistent_read=True).get("Item")
        key = None if raw is None else _read(raw)
        if not isinstance(key, ApiKey):
            if len(self._unknown) >= UNKNOWN_AT_MOST:
                self._unknown.clear()
            self._unknown[key_id] = read_at
            return None
        if not key.works(self._now_ms()):
            return None
        self._cache[key_id] = (read_at, key)
        self._note_use(key)
        return key

    def _note_use(self, key: ApiKey) -> None:
        """Store that the key is used, if it has not learned so for an hour. A failure is logged, and fails nobody."""
        now_ms = self._now_ms()
        known_ms = max(key.last_used_at_ms or 0, self._use_noted_ms.get(key.id, 0))
        if now_ms - known_ms < USE_NOTED_EVERY_MS:
            return
        self._use_noted_ms[key.id] = now_ms  # also if it fails: a table that is in trouble is not asked again at once
        last = ApiKeyItem.last_used_at
        is_late = last.does_not_exist() | (last < now_ms)
        try:
            ApiKeyItem._get_connection().update_item(
                key.id, actions=[last.set(now_ms)], condition=ApiKeyItem.key_sha256.exists() & is_late
            )
        except PynamoDBException as error:
            if not is_condition_failed(error):
                _log.warning("use of a key not noted", extra={"key_id": key.id[:SHOWN], "reason": type(error).__name__})

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def create(
        self,
        name: str,
        scopes: Iterable[str],
        domains: Iterable[str],
        secret: str | None = None,
        project: str = DEFAULT,
        *,
        is_test: bool = False,
        lane: Lane | None = None,
        rate_limit: int | None = None,
    ) -> str:
        """Store a key and return its secret: new and random, unless one is given.

        It is a test key if that is asked for, or if `project` is that of another one. A key of that secret which is
        there already stays as it is; if it was revoked, it stays revoked.
        Raises ValueError for what is no domain, or no name of a project, and for a test key that may operate.
        """
        project = check_kept(of_test_keys(project) if is_test else project)
        scopes, is_test = set(scopes), is_of_test_keys(project)
        if is_test and "admin" in scopes:
            raise ValueError("a test key may not have the scope admin: that one is for real providers and real mail")
        secret = secret or (TEST_PREFIX if is_test else PREFIX) + secrets.token_urlsafe(32)
        item = ApiKeyItem(
            hashlib.sha256(secret.encode()).hexdigest(),
            name=name,
            project=project,
            lane=lane,
            scopes=scopes,
            domains=set(map(ascii_domain, domains)) or None,
            created_at=int(self._clock() * 1000),
            rate_limit=rate_limit,
        )
        try:
            item.save(condition=ApiKeyItem.key_sha256.does_not_exist())
        except PutError as error:
            if not is_condition_failed(error):
                raise
        return secret

    def all(self) -> list[ApiKey]:
        """Every key that can be read, also revoked ones, oldest first."""
        return self.read()[0]

    def read(self) -> tuple[list[ApiKey], list[UnreadableKey]]:
        """Every key, also revoked ones, oldest first, and those that cannot be read."""
        found = list(map(_read, as_written(ApiKeyItem.scan())))
        keys = sorted((key for key in found if isinstance(key, ApiKey)), key=lambda key: key.created_at_ms)
        return keys, [key for key in found if isinstance(key, UnreadableKey)]

    def get(self, key_id: str) -> ApiKey | UnreadableKey | None:
        """The key with that id as it is stored now, also a revoked one. None: there is none."""
        raw = ApiKeyItem._get_connection().get_item(key_id, consistent_read=True).get("Item")
        return None if raw is None else _read(raw)

    def revoke(self, key_id: str) -> None:
        """Revoke the key with that id, which must exist. It need not be one that can be read.

        One that was revoked before stays so since then.
        """
        revoked_at = ApiKeyItem.revoked_at.set(ApiKeyItem.revoked_at | self._now_ms())
        ApiKeyItem._get_connection().update_item(key_id, actions=[revoked_at], condition=ApiKeyItem.key_sha256.exists())


def _read(raw: Raw) -> ApiKey | UnreadableKey:
    key_id: str = raw["key_sha256"]["S"]
    try:
        return read_item(raw, by_model(ApiKeyItem, _to_key), "API key", key_id[:SHOWN])
    except Unreadable:
        return UnreadableKey(key_id, is_revoked="revoked_at" in raw)


def _to_key(item: ApiKeyItem) -> ApiKey:
    return ApiKey(
        id=item.key_sha256,
        name=item.name,
        scopes=frozenset(item.scopes),
        domains=tuple(sorted(item.domains or ())),
        created_at_ms=time_ms(item.created_at),
        revoked_at_ms=optional_ms(item.revoked_at),
        project=check_kept(item.project or DEFAULT),
        lane=Lane(item.lane) if item.lane else None,
        rate_limit=None if item.rate_limit is None else int(item.rate_limit),
        expires_at_ms=optional_ms(item.expires_at),
        last_used_at_ms=optional_ms(item.last_used_at),
    )
