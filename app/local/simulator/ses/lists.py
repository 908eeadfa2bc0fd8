"""SES's suppression list of the account: an address is on it once, for a bounce or for a complaint.

The source is the API model of SES v2 in botocore 1.44.8 (2026-11-20): GetSuppressedDestination,
DeleteSuppressedDestination, ListSuppressedDestinations.
"""

from typing import Final
from urllib.parse import parse_qs, unquote

from app.local.simulator.dialect import Call, Reply, json_reply
from app.local.simulator.own_lists import OwnLists, Stopped
from app.local.simulator.ses.request import error

NAMES: Final = ("BOUNCE", "COMPLAINT")
PATH: Final = "/v2/email/suppression/addresses"
DEFAULT_PAGE: Final = 1000


def answer(lists: OwnLists, call: Call) -> Reply | None:
    """The answer to a call about the list; None if it is about something else."""
    path, _, address = call.path.partition(f"{PATH}/")
    if path == PATH and call.method == "GET":
        return _page(lists, call)
    if path or not address or call.method not in ("GET", "DELETE"):
        return None
    found = lists.first(unquote(address))
    if found is None:
        return error(404, "NotFoundException", f"{unquote(address)} is not on your suppression list.")
    if call.method == "GET":
        return json_reply(200, {"SuppressedDestination": {**_entry(*found), "Attributes": {}}})
    name, entry = found
    lists.remove(name, entry.address)
    return json_reply(200, {})


def _page(lists: OwnLists, call: Call) -> Reply:
    query = {word: values[0] for word, values in parse_qs(call.query).items()}
    size, token = int(query.get("PageSize", DEFAULT_PAGE)), query.get("NextToken", "")
    if token and not token.startswith("token/"):
        return error(400, "InvalidNextTokenException", "The specified request includes an invalid or expired token.")
    start = int(token.removeprefix("token/") or 0)
    everything = [_entry(name, one) for name in NAMES for one in lists.sorted(name)]
    more = {"NextToken": f"token/{start + size}"} if start + size < len(everything) else {}
    return json_reply(200, {"SuppressedDestinationSummaries": everything[start : start + size], **more})


def _entry(name: str, one: Stopped) -> dict[str, object]:
    return {"EmailAddress": one.address, "Reason": name, "LastUpdateTime": one.at.timestamp()}
