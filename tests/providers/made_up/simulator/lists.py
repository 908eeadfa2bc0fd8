"""Made Up's own list, as its documentation would describe it."""

from typing import Final
from urllib.parse import parse_qs, unquote

from app.local.simulator.dialect import Call, Reply, json_reply
from app.local.simulator.own_lists import OwnLists, Stopped

NAMES: Final = ("bounces", "complaints", "opt_outs")
PAGE_SIZE: Final = 100


def answer_about_lists(lists: OwnLists, call: Call) -> Reply | None:
    """The answer to a call about the list; None if it is about something else."""
    match call.path.split("/")[1:]:
        case ["stops", name] if name in lists and call.method == "GET":
            return _page(lists, name, int(parse_qs(call.query).get("after", ["0"])[0]))
        case ["stops", name, address] if name in lists:
            return _one(lists, name, unquote(address), call.method)
    return None


def _one(lists: OwnLists, name: str, address: str, method: str) -> Reply:
    found = lists.find(name, address)
    if found is None:
        return json_reply(404, {"error": "nobody stopped this address"})
    if method == "DELETE":
        lists.remove(name, address)
        return Reply(204)
    return json_reply(200, _entry(found))


def _page(lists: OwnLists, name: str, after: int) -> Reply:
    entries, end = lists.sorted(name), after + PAGE_SIZE
    more = {"next": str(end)} if end < len(entries) else {}
    return json_reply(200, {"stops": [_entry(one) for one in entries[after:end]], **more})


def _entry(one: Stopped) -> dict[str, object]:
    return {"to": one.address, "at": one.at.timestamp(), "why": one.words}
