"""One endpoint during one run of the worker: whether it is called, and what its tries make of it."""

import logging
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final

from app.domain.endpoint import Calls, Endpoint, calls, probed
from app.domain.project import is_of_test_keys
from app.notify.faults import log_fault
from app.notify.notification import DEFAULT_ENDPOINT, FIRST_GENERATION, TEST_TYPE, Notification, owner_of
from app.notify.ports import EndpointStore

log = logging.getLogger(__name__)

TRIES: Final = 4  # of a write that others come before


class EndpointState:
    """An endpoint, and how it changes. May be shared between threads. `endpoint` is None if it is not stored."""

    def __init__(self, endpoints: EndpointStore, project: str, endpoint_id: str) -> None:
        """Read the endpoint. Raises Unreadable, and what the store raises if it does not answer."""
        self._endpoints, self._lock = endpoints, Lock()
        self._project, self._endpoint_id = project, endpoint_id
        self._is_default = endpoint_id == DEFAULT_ENDPOINT
        self.endpoint = endpoints.get(project, endpoint_id)

    def why_dropped(self, notification: Notification) -> str:
        """Why a notification is not posted at all; "" if it is."""
        if self._is_default:
            return ""
        endpoint = self.endpoint
        if endpoint is None:
            return "the endpoint is deleted"
        if notification.type == TEST_TYPE:
            return ""
        if endpoint.disabled:
            return "the endpoint is disabled"
        return "" if not endpoint.types or notification.type in endpoint.types else "the endpoint wants no such type"

    def url(self, notification: Notification) -> str:
        """Where a notification is posted to."""
        return notification.url if self._is_default or self.endpoint is None else self.endpoint.url

    @property
    def is_called(self) -> bool:
        """Whether what it has not taken is tried again."""
        return self._is_default or (self.endpoint is not None and self.endpoint.disabled is None)

    @property
    def signer(self) -> tuple[str, Sequence[int]]:
        """The owner of the secret, and when each of its generations began."""
        owner = owner_of(self._project, self._endpoint_id)
        return owner, self.endpoint.began_ms if self.endpoint else FIRST_GENERATION

    def known_calls(self, now_ms: int) -> Calls:
        """Which calls may be made now, by what this process knows already: the store is neither asked nor changed."""
        endpoint = self.endpoint
        return Calls.ALL if self._is_default or endpoint is None else calls(endpoint, now_ms)

    def calls(self, now_ms: int) -> Calls:
        """Which calls may be made now. PROBE: this one, which is noted, so that nobody makes another."""
        if self._is_default:
            return Calls.ALL
        with self._lock:
            try:
                return self._calls(now_ms)
            except Exception as error:  # noqa: BLE001 because the call is made, whatever it was
                log_fault(log, "endpoint's probe not noted", error, endpoint_id=self._endpoint_id)
                return Calls.PROBE

    def _calls(self, now_ms: int) -> Calls:
        for _ in range(TRIES):
            if self.endpoint is None:
                return Calls.NONE
            found = calls(self.endpoint, now_ms)
            if found is not Calls.PROBE:
                return found
            if stored := self._endpoints.put(probed(self.endpoint, now_ms)):
                self.endpoint = stored
                return Calls.PROBE
            self.endpoint = self._endpoints.get(self._project, self._endpoint_id)
        return Calls.AFTER_PROBE

    def note(self, step: Callable[[Endpoint], Endpoint]) -> None:
        """Store the endpoint as it is after a try, if the try has changed it. Raises nothing.

        The next try says the same again, so a state that cannot be stored is no reason to post anything twice.
        """
        if self._is_default:
            return
        with self._lock:
            try:
                is_kept = self._changed(step)
            except Exception as error:  # noqa: BLE001 because it raises nothing
                log_fault(log, "endpoint's state not kept", error, endpoint_id=self._endpoint_id)
            else:
                if not is_kept:
                    log.warning("endpoint's state is written by others", extra={"endpoint_id": self._endpoint_id})

    def _changed(self, step: Callable[[Endpoint], Endpoint]) -> bool:
        for _ in range(TRIES):
            before = self.endpoint
            if before is None:  # deleted meanwhile
                return True
            after = step(before)
            if after is before:
                return True
            if stored := self._endpoints.put(after):
                self.endpoint = stored
                if stored.disabled and not before.disabled:
                    _tell_disabled(stored)
                return True
            self.endpoint = self._endpoints.get(self._project, self._endpoint_id)
        return False


def _tell_disabled(endpoint: Endpoint) -> None:
    fields = {
        "endpoint_id": endpoint.id,
        "project": endpoint.project,
        "why": endpoint.disabled,
        "failing_since_ms": endpoint.failing_since_ms,
        "test": is_of_test_keys(endpoint.project),
    }
    log.error("endpoint disabled", extra=fields)
