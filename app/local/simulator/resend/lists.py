"""Resend's suppressions, newest first here, as for a team that is in the private beta of their API.

The source is Resend's API description (github.com/resend/resend-openapi, 2026-08-21), and for the answer about an
address that is not there resend-ruby 1.16.1, `suppressions.rb`.
"""

from typing import Final
from urllib.parse import parse_qs, unquote

from app.local.simulator.dialect import Call, Reply, json_reply
from app.local.simulator.own_lists import OwnLists, Stopped
from app.local.simulator.resend.request import error

NAMES: Final = ("bounce", "complaint", "manual")
PATH: Final = "/suppressions"
LARGEST_PAGE: Final = 100


def answer(lists: OwnLists, call: Call) -> Reply | None:
    """The answer to a call about the list; None if it is about something else."""
    path, _, address = call.path.partition(f"{PATH}/")
    if path == PATH and call.method == "GET":
        return _page(lists, call)
    if path or not address or call.method not in ("GET", "DELETE"):
        return None
    found = lists.first(unquote(address))
    if found is None:
        return error(404, "not_found", "Suppression not found")
    if call.method == "GET":
        return json_reply(200, {"object": "suppression", **_entry(*found)})
    name, entry = found
    lists.remove(name, entry.address)
    return json_reply(200, {"object": "suppression", "id": entry.id, "deleted": True})


def _page(lists: OwnLists, call: Call) -> Reply:
    query = {word: values[0] for word, values in parse_qs(call.query).items()}
    limit, after = int(query.get("limit", "20")), query.get("after", "")
    if not 1 <= limit <= LARGEST_PAGE:
        return error(422, "validation_error", "The `limit` must be between 1 and 100.")
    everything = sorted(
        ((name, one) for name in NAMES for one in lists.sorted(name)), key=lambda pair: (pair[1].at, pair[1].id)
    )[::-1]
    ids = [one.id for _, one in everything]
    start = ids.index(after) + 1 if after in ids else 0
    data = [_entry(name, one) for name, one in everything[start : start + limit]]
    return json_reply(200, {"object": "list", "has_more": start + limit < len(everything), "data": data})


def _entry(name: str, one: Stopped) -> dict[str, object]:
    at = f"{one.at:%Y-%m-%d %H:%M:%S}.{one.at.microsecond // 1000:03d}+00"
    return {"id": one.id, "email": one.address, "origin": name, "source_id": None, "created_at": at}
