"""The endpoints of a project: registered, changed, given other secrets. No writer undoes what another has changed."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.domain.change_types import ChangeType
from app.domain.endpoint import Disabled, Endpoint, disable, enable, moved, rotated
from app.domain.freshness import Clock
from app.domain.ids import new_id
from app.errors import Conflict, Contention, Invalid, NotFound
from app.notify.feed import Seen
from app.notify.notification import DEFAULT_ENDPOINT, FIRST_GENERATION, owner_of
from app.notify.ports import EndpointStore

MOST_OF_A_PROJECT: Final = 20
TRIES: Final = 10
UNKNOWN: Final = NotFound("there is no such endpoint; `GET /v1/webhook-endpoints` has their ids")
FULL: Final = Conflict(f"a project has at most {MOST_OF_A_PROJECT} endpoints; delete one first")
NOT_DEFAULT: Final = Conflict(
    "the endpoint `default` stands for the `webhook_url` of emails: it has a secret and deliveries, and nothing else"
    " that could be changed"
)

_ID: Final = re.compile(r"ep_[a-z2-7]{26}")


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be changed about an endpoint. None: that field stays. Empty `types`: events of all types."""

    url: str | None = None
    types: Sequence[ChangeType] | None = None
    description: str | None = None
    disabled: bool | None = None


def default_endpoint(project: str) -> Endpoint:
    """The endpoint that stands for the `webhook_url` of a project's emails, as long as none is stored."""
    return Endpoint(DEFAULT_ENDPOINT, project, url="", created_at_ms=0, began_ms=FIRST_GENERATION)


@dataclass(frozen=True, slots=True)
class ManageEndpoints:
    """Registers and changes endpoints.

    `check_url` raises ValueError, which says why, if a URL may not be called. `secret_of` makes the secret of a
    generation of an owner; it raises ServiceUnavailable if there is nothing to make it of.
    """

    store: EndpointStore
    check_url: Callable[[str], None]
    secret_of: Callable[[str, int], str]
    clock: Clock

    def create(
        self, project: str, url: str, types: Sequence[ChangeType] = (), description: str = ""
    ) -> tuple[Endpoint, str]:
        """A new endpoint and its secret.

        Raises Invalid if the URL may not be called, Conflict if the project has too many, ServiceUnavailable.
        """
        now_ms = self._now_ms()
        endpoint = Endpoint(new_id("ep_"), project, url, now_ms, (now_ms,), tuple(dict.fromkeys(types)), description)
        secret = self._secret(endpoint)
        self._check(url)
        if len(self._others(project)) >= MOST_OF_A_PROJECT:
            raise FULL
        stored = self.store.put(endpoint)
        if stored is None:
            raise Contention(f"{endpoint.id}: is taken")
        if len(self._others(project)) > MOST_OF_A_PROJECT:  # two came at once
            self.store.delete(project, endpoint.id)
            raise FULL
        return stored, secret

    def get(self, seen: Seen, endpoint_id: str) -> Endpoint:
        """An endpoint that the caller sees. `default` is that of `seen.project`, stored or not. Raises NotFound."""
        if endpoint_id == DEFAULT_ENDPOINT and seen.project is not None:
            return self.store.get(seen.project, DEFAULT_ENDPOINT) or default_endpoint(seen.project)
        if not _ID.fullmatch(endpoint_id):
            raise UNKNOWN
        if seen.project is not None and not seen.with_tests:
            found = self.store.get(seen.project, endpoint_id)
        else:
            found = next((one for one in self.store.all() if one.id == endpoint_id and seen.has(one.project)), None)
        if found is None:
            raise UNKNOWN
        return found

    def all(self, seen: Seen) -> list[Endpoint]:
        """The endpoints that the caller sees, the oldest first, without `default`."""
        if seen.project is not None and not seen.with_tests:
            return self._others(seen.project)
        return [one for one in self.store.all() if one.id != DEFAULT_ENDPOINT and seen.has(one.project)]

    def change(self, seen: Seen, endpoint_id: str, edit: Edit) -> Endpoint:
        """Change an endpoint. Raises NotFound, Invalid if the URL may not be called, Conflict if it is `default`."""
        if endpoint_id == DEFAULT_ENDPOINT:
            raise NOT_DEFAULT
        if edit.url is not None and edit.url != self.get(seen, endpoint_id).url:
            self._check(edit.url)
        return self._repeat(seen, endpoint_id, lambda endpoint: _edited(endpoint, edit, self._now_ms()))

    def rotate(self, seen: Seen, endpoint_id: str) -> tuple[Endpoint, str]:
        """Give an endpoint another secret, which is returned with it. The one before signs for 24 hours more.

        Raises NotFound, ServiceUnavailable.
        """
        self._secret(self.get(seen, endpoint_id))  # before anything is written: it may not be possible here
        changed = self._repeat(seen, endpoint_id, lambda endpoint: rotated(endpoint, self._now_ms()))
        return changed, self._secret(changed)

    def delete(self, seen: Seen, endpoint_id: str) -> None:
        """Delete an endpoint. Raises NotFound, Conflict if it is `default`."""
        if endpoint_id == DEFAULT_ENDPOINT:
            raise NOT_DEFAULT
        if not _ID.fullmatch(endpoint_id):
            raise UNKNOWN
        is_one = seen.project is not None and not seen.with_tests
        project = seen.project if is_one and seen.project is not None else self.get(seen, endpoint_id).project
        if not self.store.delete(project, endpoint_id):
            raise UNKNOWN

    def _repeat(self, seen: Seen, endpoint_id: str, change: Callable[[Endpoint], Endpoint]) -> Endpoint:
        """Change what is stored, again if another writer came first: the change is then made of what that one wrote."""
        for _ in range(TRIES):
            endpoint = self.get(seen, endpoint_id)
            changed = change(endpoint)
            if changed == endpoint:
                return endpoint
            if stored := self.store.put(changed):
                return stored
        raise Contention(f"{endpoint_id}: {TRIES} changes lost to other writers")

    def _others(self, project: str) -> list[Endpoint]:
        return [one for one in self.store.of(project) if one.id != DEFAULT_ENDPOINT]

    def _check(self, url: str) -> None:
        try:
            self.check_url(url)
        except ValueError as why:
            raise Invalid(("url", str(why))) from None

    def _secret(self, endpoint: Endpoint) -> str:
        return self.secret_of(owner_of(endpoint.project, endpoint.id), len(endpoint.began_ms))

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)


def _edited(endpoint: Endpoint, edit: Edit, now_ms: int) -> Endpoint:
    if edit.url is not None:
        endpoint = moved(endpoint, edit.url)
    if edit.types is not None:
        endpoint = replace(endpoint, types=tuple(dict.fromkeys(edit.types)))
    if edit.description is not None:
        endpoint = replace(endpoint, description=edit.description)
    if edit.disabled is None:
        return endpoint
    return disable(endpoint, Disabled.BY_USER, now_ms) if edit.disabled else enable(endpoint)
