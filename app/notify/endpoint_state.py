"""One endpoint during one run of the worker: whether it is called, and what its tries make of it."""

import logging
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final

from app.domain.endpoint import Calls, Endpoint, calls, probed
from app.domain.project import is_of_test_keys
from app.faults import log_fault
from app.notify.gate import Receiver, receiver_of
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
        """Where a notification is posted to now. Others may change the endpoint's meanwhile."""
        endpoint = self.endpoint
        return notification.url if self._is_default or endpoint is None else endpoint.url

    def receiver(self, notification: Notification) -> Receiver:
        """Who gets a notification: another one, once the endpoint has another URL."""
        project, endpoint_id, origin = receiver_of(notification)
        return project, endpoint_id, origin if self._is_default else self.url(notification)

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
        """Which calls may be made now, as far as is known without a call to the store. Nothing is noted."""
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

    def note(self, step: Callable[[Endpoint], Endpoint], url: str) -> None:
        """Store the endpoint as it is after a try at `url`, if the try has changed it. Raises nothing.

        What a URL answers that the endpoint does not have any more changes nothing. The next try says the same again,
        so a state that cannot be stored is no reason to post anything twice.
        """
        if self._is_default:
            return
        with self._lock:
            try:
                is_kept = self._changed(step, url)
            except Exception as error:  # noqa: BLE001 because it raises nothing
                log_fault(log, "endpoint's state not kept", error, endpoint_id=self._endpoint_id)
            else:
                if not is_kept:
                    log.warning("endpoint's state is written by others", extra={"endpoint_id": self._endpoint_id})

    def _changed(self, step: Callable[[Endpoint], Endpoint], url: str) -> bool:
        is_logged = False
        for _ in range(TRIES):
            after = self._after(step, url)
            if self._is_disabled_by(after) and not is_logged:
                # The user may have moved it while it was called, and then there is nothing to tell.
                self.endpoint = self._endpoints.get(self._project, self._endpoint_id)
                after = self._after(step, url)
                if after and self._is_disabled_by(after):
                    # Before it is written: nobody would ever tell of a write whose answer is lost, nor of one behind
                    # which the process dies.
                    _log_disabled(after)
                    is_logged = True
            if after is None:
                return True
            if stored := self._endpoints.put(after):
                self.endpoint = stored
                return True
            self.endpoint = self._endpoints.get(self._project, self._endpoint_id)
        return False

    def _after(self, step: Callable[[Endpoint], Endpoint], url: str) -> Endpoint | None:
        """What a try at `url` makes of the endpoint. None: nothing, or it was deleted or moved meanwhile."""
        if self.endpoint is None or self.endpoint.url != url:
            return None
        after = step(self.endpoint)
        return None if after is self.endpoint else after

    def _is_disabled_by(self, after: Endpoint | None) -> bool:
        return bool(after and after.disabled and self.endpoint and not self.endpoint.disabled)


def _log_disabled(endpoint: Endpoint) -> None:
    fields = {
        "endpoint_id": endpoint.id,
        "project": endpoint.project,
        "why": endpoint.disabled,
        "failing_since_ms": endpoint.failing_since_ms,
        "test": is_of_test_keys(endpoint.project),
    }
    log.error("endpoint disabled", extra=fields)
