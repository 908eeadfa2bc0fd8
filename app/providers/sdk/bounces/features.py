"""The evidence in a report: its codes wherever they stand, its words, and whether anybody has given up."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.providers.sdk.bounces.report import Label, Report
from app.providers.sdk.bounces.words import LONGEST, flatten, without_addresses

# RFC 3463 §2, with the subjects that it defines: "4.94.2" is a version of Exim, and "5.1.1.7" an IP address.
_ENHANCED: Final = re.compile(r"(?<![\d.])([245]\.[0-7]\.\d{1,3})(?![\d]|\.\d)")
# A basic code stands where a reply begins. "A limit of 500 messages" has none.
_BASIC: Final = re.compile(
    r"(?:^|[;:'\"(\[<>#]|->|\b(?:said|error|code|reply|response|returned|responded|status|smtp|with|was)\b)"
    r"\s{0,3}([245]\d\d)(?![\w.])",
    re.MULTILINE | re.IGNORECASE,
)
_CODE: Final = re.compile(r"\s*([245]\d\d)\b")
# IronPort puts its own comment before what the host said: "5.1.0 - Unknown address error 550-'5.7.1 …'".
# Some providers add advice of their own: "… from your mailing list. … impact on your reputation as a sender".
_WRAPPERS: Final = re.compile(
    r" unknown address error | other mail system problem | from your mailing list | on your reputation as a sender "
)
# RFC 3464 §2.3.3 knows one action that is a failure; some reports also say "expired" (sisimai's corpus, 2025-12).
_FAILED: Final = frozenset({"failed", "failure", "expired"})
_DIAGNOSTIC_TYPE: Final = re.compile(r"\s*[A-Za-z][\w-]{0,40};")  # "smtp;" and "X-Postfix;" (RFC 3464 §2.3.6)
_ACTION: Final = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Features:
    """A report as the rules look at it.

    `action` is its first word in lower case, `failed` if it means that. `words` are flattened, `raw` is the text
    without addresses. `codes` are the enhanced codes and `replies` the basic ones, of the fields and of the text.
    `temporary`: the last word of the host was "not now". `final`: somebody has given up all the same. `fails` and
    `succeeds`: some code is one of a failure, or of a success.
    """

    action: str
    label: Label
    raw: str
    words: str
    codes: frozenset[str]
    replies: frozenset[str]
    temporary: bool
    final: bool
    fails: bool
    succeeds: bool


def collect(report: Report) -> Features:
    """The evidence of a report. It raises nothing, whatever the report holds."""
    status, text = report.status[:LONGEST], _without_type(report.text[:LONGEST])
    action = _action(report.action)
    raw = without_addresses(text)
    in_fields = _codes(status), {*_first(report.code), *_first(status)}
    in_text = _codes(raw), set(_BASIC.findall(raw))
    codes, replies = in_fields[0] | in_text[0], in_fields[1] | in_text[1]
    return Features(
        action=action,
        label=report.label,
        raw=raw,
        words=_WRAPPERS.sub(" ", flatten(f"{status} . {text}")),
        codes=frozenset(codes),
        replies=frozenset(replies),
        temporary=_temporary(*(in_text if _fails(*in_text) else in_fields)),
        final=action == "failed" or report.label not in (Label.NONE, Label.DELAYED),
        fails=_fails(codes, replies),
        succeeds=any(code[0] == "2" for code in (*codes, *replies)),
    )


def _without_type(text: str) -> str:
    found = _DIAGNOSTIC_TYPE.match(text)
    return text[found.end() :] if found else text


def _action(action: str) -> str:
    word = _ACTION.search(action[:LONGEST].lower())
    if not word:
        return ""
    return "failed" if word.group() in _FAILED else word.group()


def _codes(text: str) -> set[str]:
    return set(_ENHANCED.findall(text))


def _first(text: str) -> list[str]:
    code = _CODE.match(text)
    return [code.group(1)] if code else []


def _fails(codes: Iterable[str], replies: Iterable[str]) -> bool:
    return any(code[0] in "45" for code in (*codes, *replies))


def _temporary(codes: Iterable[str], replies: Iterable[str]) -> bool:
    """Whether there is a 4 and no 5 among the basic codes, or else among the enhanced ones, of which 4.0.0 is vague."""
    classes = {code[0] for code in replies} & {"4", "5"} or {code[0] for code in codes if code != "4.0.0"}
    return "4" in classes and "5" not in classes
