"""Mailgun's suppressions of a domain: bounces, complaints, unsubscribes, in the order of their addresses.

The sources are documentation.mailgun.com, "Bounces", "Complaints" and "Unsubscribe" (read 2026-11-29), and for the
words "Suppressions" in github.com/mailgun/documentation (read 2026-11-29).
"""

from collections.abc import Mapping
from datetime import UTC
from typing import Final
from urllib.parse import parse_qs, unquote, urlencode

from app.local.simulator.dialect import Call, Reply, json_reply
from app.local.simulator.mailgun.request import message
from app.local.simulator.own_lists import OwnLists, Stopped

LARGEST_PAGE: Final = 1000
ABSENT: Final[Mapping[str, str]] = {
    "bounces": "Address not found in bounces table",
    "complaints": "No spam complaints found for this address",
    "unsubscribes": "Address not found in unsubscribers table",
}
REMOVED: Final[Mapping[str, str]] = {
    "bounces": "Bounced address has been removed",
    "complaints": "Spam complaint has been removed",
    "unsubscribes": "Unsubscribe event has been removed",
}


def is_about_lists(call: Call) -> bool:
    """Whether this call is about the lists of any domain."""
    parts = call.path.split("/")[1:]
    return len(parts) in (3, 4) and parts[0] == "v3" and parts[2] in ABSENT and call.method in ("GET", "DELETE")


def answer(lists: OwnLists, domain: str, call: Call) -> Reply:
    """The answer to a call about the lists."""
    _, of, name, *address = call.path.split("/")[1:]
    if unquote(of) != domain:
        return message(404, f"Domain not found: {unquote(of)}")
    if not address:
        return _page(lists, call, name)
    found = lists.find(name, unquote(address[0]))
    if found is None:
        return message(404, ABSENT[name])
    if call.method == "GET":
        return json_reply(200, _entry(name, found))
    lists.remove(name, found.address)
    return json_reply(200, {"message": REMOVED[name], "address": found.address})


def _page(lists: OwnLists, call: Call, name: str) -> Reply:
    query = {word: values[0] for word, values in parse_qs(call.query).items()}
    limit, after = int(query.get("limit", "100")), query.get("address", "")
    if not 1 <= limit <= LARGEST_PAGE:
        return message(400, f"limit must be 1 to {LARGEST_PAGE}")
    entries = [one for one in lists.sorted(name) if query.get("page") != "next" or one.address.lower() > after.lower()]
    shown = entries[:limit]
    last = shown[-1].address if shown else after
    url = f"https://{call.headers['host']}{call.path}"
    addresses = {"previous": shown[0].address if shown else after, "first": "", "next": last, "last": ""}
    paging = {
        word: f"{url}?{urlencode({'page': word, 'address': at, 'limit': limit})}" for word, at in addresses.items()
    }
    return json_reply(200, {"items": [_entry(name, one) for one in shown], "paging": paging})


def _entry(name: str, one: Stopped) -> dict[str, object]:
    more: dict[str, object] = {}
    if name == "bounces":
        more = {"code": "550", "error": one.words}
    if name == "unsubscribes":
        more = {"tags": list(one.scopes) or ["*"]}
    return {"address": one.address, **more, "created_at": f"{one.at.astimezone(UTC):%a, %d %b %Y %H:%M:%S} UTC"}
