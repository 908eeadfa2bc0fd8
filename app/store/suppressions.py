"""Stores the addresses that nothing is sent to."""

import hmac
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from pynamodb.exceptions import PutError

from app.domain import suppression as rules
from app.domain.backoff import backoff_s
from app.domain.findings import Finding
from app.domain.own_entries import Fate
from app.domain.suppression import Bounce, Entry, Resubscription, Suppression
from app.errors import Contention, Unreadable
from app.store.batches import get_all
from app.store.failures import is_condition_failed
from app.store.item_values import as_written, read_each, read_item
from app.store.raw_items import Raw
from app.store.suppression_items import (
    ID_PREFIX,
    SuppressionItem,
    as_suppressed,
    id_in,
    owner_of,
    read_entry,
    to_item,
)

FIRST_WAIT_S, LONGEST_WAIT_S = 0.005, 0.2  # before another try
TRIES = 20  # a write gives up after it has lost this often to other writers of the same address

WHAT = "suppression"

_ID = re.compile(f"{ID_PREFIX}[0-9a-f]{{64}}")


class Suppressions:
    """Stores suppressions. An address is suppressed until its time is over, whenever DynamoDB deletes the item.

    A finding without a project stops the mail of all. An item is replaced whole, under the version that was read, so
    that two reports at once both count. Writes raise Contention after TRIES tries.

    An item that cannot be read is logged. It suppresses its address until somebody lifts it: other writes leave it as
    it is, and raise Unreadable.
    """

    def __init__(self, secret: str) -> None:
        """`secret` is that of the installation: with another one, nobody is found any more."""
        self._secret = secret.encode()

    def put(self, finding: Finding) -> Entry:
        """Keep what was found about an address. Returns the entry as it now stands. To put it again changes nothing."""
        if isinstance(finding, Bounce):
            return self._rewrite(finding.address, "", lambda entry: rules.bounced(entry, finding))
        if isinstance(finding, Resubscription):
            if finding.project:  # an unsubscribe that holds for all would stop the mail of this project, too
                self._rewrite(finding.address, "", lambda entry: rules.resubscribed(entry, finding))
            return self._rewrite(finding.address, finding.project, lambda entry: rules.resubscribed(entry, finding))
        return self._rewrite(finding.address, finding.project, lambda entry: rules.suppress(entry, finding))

    def note(self, finding: Finding) -> None:
        """As `put`, but an entry that cannot be read stays as it is: it suppresses, whatever is found beside it."""
        with suppress(Unreadable):
            self.put(finding)

    def among(self, addresses: Iterable[str], now_ms: int, project: str) -> dict[str, Suppression]:
        """Which of `addresses` (lower-case) are suppressed now, each with its suppression.

        A suppression counts if it is for all projects or for `project`.
        """
        found = (entry.in_force(now_ms) for entry in self.entries(addresses, project).values())
        return {suppression.address: suppression for suppression in found if suppression}

    def entries(self, addresses: Iterable[str], project: str) -> dict[str, Entry]:
        """What is known of each of `addresses` (lower-case), for all projects and for `project` together, by address.

        Addresses of which nothing is known are left out. One call of the store reads up to 50 addresses.
        """
        by_address: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in self._read_all({(address, owner) for address in addresses for owner in ("", project)}):
            by_address[entry.address].append(entry)
        return {address: rules.together(entries) for address, entries in by_address.items()}

    def of(self, address: str, projects: Iterable[str]) -> list[Entry]:
        """What is known of an address (lower-case) for all projects, then what is for each of `projects`."""
        return sorted(self._read_all({(address, owner) for owner in ("", *projects)}), key=lambda entry: entry.project)

    def get(self, address: str, project: str = "") -> Entry:
        """What is known of an address (lower-case) for one project, or ("") for all, as it is stored now.

        Raises Unreadable.
        """
        raw = _read(self._key(address, project))
        return Entry(address, project=project) if raw is None else self._entry(raw)

    def id_of(self, entry: Entry) -> str:
        """The id of an entry, by which URLs name it. Nobody can make it from an address without the secret."""
        return ID_PREFIX + self._key(entry.address, entry.project)

    def find(self, entry_id: str) -> Entry | None:
        """The entry with that id, as it is stored now. None: there is none. Raises Unreadable."""
        if not _ID.fullmatch(entry_id):
            return None
        raw = _read(entry_id.removeprefix(ID_PREFIX))
        return None if raw is None else self._entry(raw)

    def lift(self, address: str, now_ms: int, project: str = "") -> Entry | None:
        """End the suppressions of an address (lower-case) for one project, or ("") those for all; forget its bounces.

        Returns the entry as it was before; None if there was nothing to end or to forget. One that cannot be read is
        replaced, whatever it was.
        """
        before: Entry | None = None

        def change(entry: Entry) -> Entry:
            nonlocal before
            changed = rules.lift(entry, now_ms)
            before = entry if changed else before  # the store's client may make our own write again
            return changed or entry

        try:
            self._rewrite(address, project, change)
        except Unreadable:
            return self._replace(self._key(address, project), address, project, now_ms)
        return before

    def lift_by_id(self, entry_id: str, now_ms: int) -> bool:
        """As `lift`, for the entry with that id. Returns whether there was anything to end or to forget.

        One that cannot be read, and does not even tell of which address it is, is deleted.
        """
        try:
            entry = self.find(entry_id)
        except Unreadable:
            key = entry_id.removeprefix(ID_PREFIX)
            address, project = owner_of(_read(key) or {})
            if self._key(address, project) == key:
                self._replace(key, address, project, now_ms)
            else:
                SuppressionItem(key).delete()
            return True
        return entry is not None and self.lift(entry.address, now_ms, entry.project) is not None

    def take_over(self, address: str, rule: Callable[[Entry], tuple[Entry, Fate]], project: str = "") -> Fate:
        """Keep what another list says of an address, as `rule` decides. Returns what became of it."""
        fate = Fate.NO_ADDRESS

        def change(entry: Entry) -> Entry:
            nonlocal fate
            changed, last = rule(entry)
            fate = fate if fate is Fate.TAKEN else last  # the store's client may make our own write again
            return changed

        try:
            if address:
                self._rewrite(address, project, change)
        except Unreadable:
            return Fate.UNREADABLE
        return fate

    def all(self, after: str | None, now_ms: int, project: str | None = None) -> Iterator[tuple[str, Entry]]:
        """Each entry with a suppression in force, as (place, entry), in the table's own order behind a place.

        With a `project`, only what stops its mail. Those that cannot be read are left out.
        """
        start = {"address_hmac": {"S": after}} if after else None
        found = as_written(SuppressionItem.scan(last_evaluated_key=start, page_size=100))
        # Entries of an earlier secret are listed, too: it is how an operator can take them over.
        for entry_id, entry in read_each(found, lambda raw: (id_in(raw), read_entry(raw)), WHAT, id_in):
            if project is not None and entry.project not in ("", project):
                continue
            if entry.in_force(now_ms):
                yield entry_id.removeprefix(ID_PREFIX), entry

    def _read_all(self, of: Iterable[tuple[str, str]]) -> Iterator[Entry]:
        """What is known of these addresses and projects. What cannot be read counts as suppressed."""
        by_key = {self._key(address, project): (address, project) for address, project in of}
        for raw in get_all(SuppressionItem, [{"address_hmac": key} for key in by_key]):
            try:
                yield self._entry(raw)
            except Unreadable:
                yield as_suppressed(raw, *by_key[raw["address_hmac"]["S"]])

    def _entry(self, raw: Raw) -> Entry:
        """The entry in an item, which must be of the address and project that its key is made of."""

        def read(raw: Raw) -> Entry:
            entry = read_entry(raw)
            if self.id_of(entry) != id_in(raw):
                raise ValueError("of another address")
            return entry

        return read_item(raw, read, WHAT, id_in(raw))

    def _replace(self, key: str, address: str, project: str, now_ms: int) -> Entry | None:
        """Lift an entry that cannot be read. Returns what counted of it before; None if it is gone.

        There is no condition: nobody else writes over such an item, but for another lift.
        """
        raw = _read(key)
        if raw is None:
            return None
        before = as_suppressed(raw, address, project)
        to_item(key, replace(before, suppressions={}, lifted_ms=now_ms)).save()
        return before

    def _rewrite(self, address: str, project: str, change: Callable[[Entry], Entry]) -> Entry:
        for number in range(1, TRIES + 1):
            entry = self.get(address, project)
            changed = change(entry)
            if changed == entry:
                return entry
            if self._save(changed):
                return replace(changed, version=changed.version + 1)
            time.sleep(backoff_s(number, FIRST_WAIT_S, LONGEST_WAIT_S))
        raise Contention(f"{TRIES} writes of one suppression lost to other writers")

    def _save(self, entry: Entry) -> bool:
        """Replace the item that `entry` was read from. Returns False if another writer wrote since."""
        item = to_item(self._key(entry.address, entry.project), entry)
        is_new = SuppressionItem.address_hmac.does_not_exist()
        try:
            item.save(condition=SuppressionItem.version == entry.version if entry.version else is_new)
        except PutError as error:
            if is_condition_failed(error):
                return False
            raise
        return True

    def _key(self, address: str, project: str) -> str:
        text = f"{project}\n{address}" if project else address  # no address has a line break
        return hmac.digest(self._secret, text.encode(), "sha256").hex()


def _read(key: str) -> Raw | None:
    return SuppressionItem._get_connection().get_item(key, consistent_read=True).get("Item")
