"""Stores the addresses that nothing is sent to."""

import hmac
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields, replace
from typing import Any

from pynamodb.attributes import JSONAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError
from pynamodb.models import Model

from app.domain import suppression as rules
from app.domain.backoff import backoff_s
from app.domain.findings import Finding
from app.domain.own_entries import Fate, OwnEntry, take_over
from app.domain.suppression import Bounce, Bounces, Entry, Resubscription, Suppression
from app.errors import Contention
from app.store.batches import get_all
from app.store.codec import suppressions_from_json, suppressions_to_json
from app.store.failures import is_condition_failed
from app.store.ttl import as_ttl

BOUNCES = {field.name for field in fields(Bounces)}
FIRST_WAIT_S, LONGEST_WAIT_S = 0.005, 0.2  # before another try
ID_PREFIX = "sup_"
TRIES = 20  # a write gives up after it has lost this often to other writers of the same address

_ID = re.compile(f"{ID_PREFIX}[0-9a-f]{{64}}")


class SuppressionItem(Model):
    """One address (lower-case) that is suppressed, or was lately, for one project or for all. Times are epoch ms.

    The key does not tell the address, which can be erased without what is known of it.
    """

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    address_hmac = UnicodeAttribute(hash_key=True)
    address = UnicodeAttribute()
    project = UnicodeAttribute(null=True)
    version = NumberAttribute()
    suppressions = JSONAttribute(null=True)
    bounces = JSONAttribute(null=True)
    lifted = NumberAttribute(null=True)
    resubscribed = NumberAttribute(null=True)
    ttl = TTLAttribute()


class Suppressions:
    """Stores suppressions. An address is suppressed until its time is over, whenever DynamoDB deletes the item.

    A finding without a project stops the mail of all. An item is replaced whole, under the version that was read, so
    that two reports at once both count. Writes raise Contention after TRIES tries.
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
        """What is known of an address (lower-case) for one project, or ("") for all, as it is stored now."""
        try:
            return _to_entry(SuppressionItem.get(self._key(address, project), consistent_read=True))
        except SuppressionItem.DoesNotExist:
            return Entry(address, project=project)

    def id_of(self, entry: Entry) -> str:
        """The id of an entry, by which URLs name it. Nobody can make it from an address without the secret."""
        return ID_PREFIX + self._key(entry.address, entry.project)

    def find(self, entry_id: str) -> Entry | None:
        """The entry with that id, as it is stored now. None: there is none."""
        if not _ID.fullmatch(entry_id):
            return None
        try:
            return _to_entry(SuppressionItem.get(entry_id.removeprefix(ID_PREFIX), consistent_read=True))
        except SuppressionItem.DoesNotExist:
            return None

    def lift(self, address: str, now_ms: int, project: str = "") -> Entry | None:
        """End the suppressions of an address (lower-case) for one project, or ("") those for all; forget its bounces.

        Returns the entry as it was before; None if there was nothing to end or to forget.
        """
        before: Entry | None = None

        def change(entry: Entry) -> Entry:
            nonlocal before
            changed = rules.lift(entry, now_ms)
            before = entry if changed else before  # the store's client may make our own write again
            return changed or entry

        self._rewrite(address, project, change)
        return before

    def take_over(self, own: OwnEntry, account: str, now_ms: int) -> Fate:
        """Keep what an entry of an account's own list says. Returns what became of it."""
        fate = Fate.NO_ADDRESS

        def change(entry: Entry) -> Entry:
            nonlocal fate
            changed, last = take_over(entry, own, account, now_ms)
            fate = fate if fate is Fate.TAKEN else last  # the store's client may make our own write again
            return changed

        if own.address:
            self._rewrite(own.address, "", change)
        return fate

    def all(self, after: str | None, now_ms: int, project: str | None = None) -> Iterator[tuple[str, Entry]]:
        """Each entry with a suppression in force, as (place, entry), in the table's own order behind a place.

        With a `project`, only what stops its mail.
        """
        start = {"address_hmac": {"S": after}} if after else None
        for item in SuppressionItem.scan(last_evaluated_key=start, page_size=100):
            entry = _to_entry(item)
            if project is not None and entry.project not in ("", project):
                continue
            if entry.in_force(now_ms):
                yield item.address_hmac, entry

    def _read_all(self, of: Iterable[tuple[str, str]]) -> Iterator[Entry]:
        keys = [{"address_hmac": self._key(address, project)} for address, project in of]
        return map(_to_entry, map(SuppressionItem.from_raw_data, get_all(SuppressionItem, keys)))

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
        item = SuppressionItem(
            self._key(entry.address, entry.project),
            address=entry.address,
            project=entry.project or None,
            version=entry.version + 1,
            suppressions=suppressions_to_json(entry.suppressions) or None,
            bounces=entry.bounces and asdict(entry.bounces),
            lifted=entry.lifted_ms,
            resubscribed=entry.resubscribed_ms,
            ttl=as_ttl(entry.kept_until_ms / 1000),
        )
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


def _to_bounces(data: dict[str, Any]) -> Bounces:
    known = {name: value for name, value in data.items() if name in BOUNCES}  # another version may know others
    return Bounces(**known)


def _to_entry(item: SuppressionItem) -> Entry:
    return Entry(
        address=item.address,
        suppressions=suppressions_from_json(item.address, item.project or "", item.suppressions or {}),
        bounces=None if item.bounces is None else _to_bounces(item.bounces),
        lifted_ms=None if item.lifted is None else int(item.lifted),
        resubscribed_ms=None if item.resubscribed is None else int(item.resubscribed),
        version=int(item.version),
        project=item.project or "",
    )
