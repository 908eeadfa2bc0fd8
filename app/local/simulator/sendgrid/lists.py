"""SendGrid's Suppressions API: bounces, blocks, invalid emails, spam reports, global unsubscribes.

The source is github.com/twilio/sendgrid-oai, tsg_suppressions_v3 (2026-01-22). What it does not say: an address that is
not there is removed with a 404 here, and a global one with a 204, as any is.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, unquote

from app.local.simulator.dialect import Call, Reply, json_reply
from app.local.simulator.own_lists import OwnLists, Stopped
from app.local.simulator.sendgrid.request import errors

NAMES: Final = ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")
LARGEST_PAGE: Final = 500
# What an entry has beside `created` and `email`.
_WORDS: Final[Mapping[str, str]] = {"bounces": "reason", "blocks": "reason", "invalid_emails": "reason"}
_STATUS: Final = frozenset({"bounces", "blocks"})


def answer(lists: OwnLists, call: Call) -> Reply | None:
    """The answer to a call about the lists; None if it is about something else."""
    match call.path.split("/")[1:]:
        case ["v3", "suppression", name] if name in lists and call.method == "GET":
            return _page(lists, name, parse_qs(call.query))
        case ["v3", "suppression", name, address] if name in lists and name != "unsubscribes":
            return _one(lists, name, unquote(address), call.method)
        case ["v3", "asm", "suppressions", "global", address]:
            return _global(lists, unquote(address), call.method)
    return None


def _page(lists: OwnLists, name: str, query: Mapping[str, list[str]]) -> Reply:
    limit, offset = (int(query.get(word, [str(value)])[0]) for word, value in (("limit", LARGEST_PAGE), ("offset", 0)))
    if not 1 <= limit <= LARGEST_PAGE or offset < 0:
        return errors(400, "limit must be 1 to 500, and offset not negative", "limit")
    entries = lists.sorted(name)[offset : offset + limit]
    return json_reply(200, [_entry(name, one) for one in entries])


def _one(lists: OwnLists, name: str, address: str, method: str) -> Reply:
    found = lists.find(name, address)
    if method == "GET":
        return json_reply(200, [_entry(name, found)] if found else [])
    if method != "DELETE":
        return errors(405, "method not allowed")
    return Reply(204) if lists.remove(name, address) else errors(404, "resource not found")


def _global(lists: OwnLists, address: str, method: str) -> Reply:
    if method == "GET":
        found = lists.find("unsubscribes", address)
        return json_reply(200, {"recipient_email": found.address} if found else {})
    if method != "DELETE":
        return errors(405, "method not allowed")
    lists.remove("unsubscribes", address)
    return Reply(204)


def _entry(name: str, one: Stopped) -> dict[str, object]:
    words = {_WORDS[name]: one.words} if name in _WORDS else {}
    status = {"status": "5.1.1" if name == "bounces" else "5.7.1"} if name in _STATUS and not one.words else {}
    ip = {"ip": "192.0.2.1"} if name == "spam_reports" else {}
    return {"created": int(one.at.timestamp()), "email": one.address, **words, **status, **ip}
