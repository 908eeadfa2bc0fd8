"""The own suppression list of an account, over its transport: clears one address, and reads all entries.

Only the operators' command line uses it. A call that is throttled is made again after the time that the provider asks
for.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import botocore.session

from app.domain.kinds import Kind
from app.domain.outcome import shorten
from app.domain.own_entries import OwnEntry, is_cleared
from app.domain.suppression import Reason
from app.errors import ConfigurationError
from app.providers import registry
from app.providers.sdk.contract import AnyProvider, NoAnswer, Outside, Transport
from app.providers.sdk.own_list import AnyOwnList, NoEntries, NoSuchApi, Page
from app.providers.sdk.variables import Need
from app.providers.sdk.web import internet
from app.settings import Settings
from app.wiring.process import TRANSPORTS

WAITS_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)  # before each further try, unless the provider says how long
LONGEST_WAIT_S: Final = 120.0

Read = TypeVar("Read")


class NotDone(Exception):
    """The provider did not do it, or did not say so. The text says why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """What became of an address at one account: what was cleared, and what was left because nobody asked for it."""

    cleared: tuple[OwnEntry, ...] = ()
    kept: tuple[OwnEntry, ...] = ()


class OwnLists:
    """The own list of one account. `wait` lets a number of seconds pass."""

    def __init__(
        self, account: AnyProvider, own: AnyOwnList, transport: Transport, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._account, self._own, self._transport, self._wait = account, own, transport, wait

    def clear(self, address: str, reasons: Collection[Reason]) -> Cleared:
        """Remove an address from every part in which it is for one of these reasons.

        Each part is asked first, because some have one entry for whatever reason, and removing it would remove a
        complaint. Raises NotDone after the first part that cannot be cleared, NoSuchApi if none can be by API.
        """
        found = [entry for part in self._own.parts for entry in self._look_up(part, address)]
        cleared = tuple(entry for entry in found if is_cleared(entry, reasons))
        for part in dict.fromkeys(entry.part for entry in cleared):
            self._remove(part, address)
        return Cleared(cleared, tuple(entry for entry in found if entry not in cleared))

    def entries(self) -> Iterator[OwnEntry]:
        """Every entry, part by part and page by page. Raises NotDone and NoSuchApi."""
        for part in self._own.parts:
            yield from self._pages(part)

    def _pages(self, part: str) -> Iterator[OwnEntry]:
        cursor = ""
        while True:
            page = self._read_page(part, cursor)
            yield from page.entries
            cursor = page.next
            if not cursor:
                return

    def _read_page(self, part: str, cursor: str) -> Page:
        return self._ask(lambda: self._own.page(part, cursor), lambda answer: self._own.read_page(part, cursor, answer))

    def _look_up(self, part: str, address: str) -> tuple[OwnEntry, ...]:
        return self._ask(lambda: self._own.look_up(part, address), lambda answer: self._own.found(part, answer))

    def _remove(self, part: str, address: str) -> None:
        def read(answer: Any) -> None:
            if not self._own.is_cleared(answer):
                raise NoEntries

        self._ask(lambda: self._own.clear(part, address), read)

    def _ask(self, make: Callable[[], Any], read: Callable[[Any], Read]) -> Read:
        """What `read` makes of the answer. While the provider throttles, the call is made again."""
        for wait_s in (*WAITS_S, None):
            try:
                answer = self._transport.ask(make)
            except NoAnswer as why:
                raise NotDone(f"no answer: {why}") from None
            try:
                return read(answer)
            except NoEntries:
                outcome = self._account.read(answer)
            asked_s = outcome.retry_after_s
            if outcome.kind is not Kind.THROTTLED or wait_s is None or (asked_s or 0) > LONGEST_WAIT_S:
                break
            self._wait(wait_s if asked_s is None else asked_s)
        raise NotDone(shorten(f"{outcome.status_code} {outcome.reply}".strip()))


@contextmanager
def opened(name: str, env: Mapping[str, str]) -> Iterator[OwnLists]:
    """The own list of the account `name` with the variables in `env`.

    Raises NotDone if one is missing or malformed, NoSuchApi if the provider has no API for it.
    """
    values = registry.values(name, env)
    if missing := values.missing(Need.SENDING):
        raise NotDone(f"{missing[0]} is not set")
    try:
        account = registry.open_account(name, env, Outside(botocore.session.get_session(), internet().certificate))
        timeout_s = Settings.from_env(env).provider_timeout_s
    except ConfigurationError as fault:
        raise NotDone(str(fault)) from None
    own = registry.own_list(account)
    if own is None:
        raise NoSuchApi
    transport = TRANSPORTS[account.transport](timeout_s)
    try:
        yield OwnLists(account, own, transport)
    finally:
        transport.close()
