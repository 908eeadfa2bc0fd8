"""Reads what a call to SendGrid's `POST /v3/mail/send` sets beside its email: `tracking_settings`, `mail_settings`.

The source is Mail Send in github.com/sendgrid/sendgrid-oai (2024-07-09). What is answered to a value of another type is
not documented; the words are the simulator's.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.local.simulator.mail import Tracking

_SWITCH: Final[dict[str, type]] = {"enable": bool}
_UTM: Final[dict[str, type]] = {f"utm_{name}": str for name in ("source", "medium", "term", "content", "campaign")}
SETTINGS: Final[Mapping[str, Mapping[str, Mapping[str, type]]]] = {
    "tracking_settings": {
        "click_tracking": _SWITCH | {"enable_text": bool},
        "open_tracking": _SWITCH | {"substitution_tag": str},
        "subscription_tracking": _SWITCH | {"text": str, "html": str, "substitution_tag": str},
        "ganalytics": _SWITCH | _UTM,
    },
    "mail_settings": {
        "bypass_list_management": _SWITCH,
        "bypass_spam_management": _SWITCH,
        "bypass_bounce_management": _SWITCH,
        "bypass_unsubscribe_management": _SWITCH,
        "footer": _SWITCH | {"text": str, "html": str},
        "sandbox_mode": _SWITCH,
    },
}
_WORDS: Final = {bool: "a boolean value", str: "a string"}


def faults(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields that have a wrong type, each with what SendGrid says of it."""
    for kind, settings in SETTINGS.items():
        if not isinstance(request.get(kind, {}), dict):
            yield kind, f"The {kind} parameter must be an object."
            continue
        for name, members in settings.items():
            setting = request.get(kind, {}).get(name, {})
            if not isinstance(setting, dict):
                yield f"{kind}.{name}", f"The {name} parameter must be an object."
                continue
            for member, type_ in members.items():
                if member in setting and not isinstance(setting[member], type_):
                    yield f"{kind}.{name}.{member}", f"The {name} {member} parameter must be {_WORDS[type_]}."


def tracking(request: Mapping[str, Any]) -> Tracking:
    """What a call without faults says of its email's tracking."""
    given = request.get("tracking_settings", {})
    return Tracking(given.get("open_tracking", {}).get("enable"), given.get("click_tracking", {}).get("enable"))
