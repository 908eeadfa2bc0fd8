"""The faults that can be set for a provider and for its webhooks, and how an email ends: by fault, or by address."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar


class Fault(StrEnum):
    """What goes wrong with every call to a provider."""

    NONE = "none"
    REFUSE_CONNECTION = "refuse_connection"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    PAYMENT_REQUIRED = "payment_required"
    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    BAD_GATEWAY_HTML = "bad_gateway_html"
    GATEWAY_TIMEOUT = "gateway_timeout"
    HANG = "hang"
    RESET_AFTER_BODY = "reset_after_body"
    RESET_AFTER_ACCEPT = "reset_after_accept"
    REFUSE_MESSAGE = "refuse_message"
    ACCEPT_THEN_BOUNCE = "accept_then_bounce"
    ACCEPT_THEN_BOUNCE_UNEXPLAINED = "accept_then_bounce_unexplained"
    ACCEPT_THEN_BLOCK = "accept_then_block"
    ACCEPT_THEN_SILENCE = "accept_then_silence"


class WebhookFault(StrEnum):
    """What goes wrong with the webhooks about an accepted email. Several may be set at once."""

    DUPLICATE = "duplicate"  # each webhook is sent twice: the same bytes, the same ids
    LATE = "late"
    REORDER = "reorder"  # the last event comes first, and the event of the acceptance comes last
    BAD_SIGNATURE = "bad_signature"
    OFF = "off"


class Ending(StrEnum):
    """What the provider reports about an email that it accepted."""

    DELIVERED = "delivered"
    HARD_BOUNCE = "hard_bounce"  # the mailbox does not exist: status 5.1.1
    UNEXPLAINED = "unexplained"  # a bounce without reason or status
    BLOCKED = "blocked"
    COMPLAINED = "complained"  # the recipient called it spam, after it was delivered


# The faults under which emails are accepted, and what is reported about them. None: nothing is ever reported.
ENDINGS: Final[dict[Fault, Ending | None]] = {
    Fault.NONE: Ending.DELIVERED,
    Fault.RESET_AFTER_ACCEPT: Ending.DELIVERED,
    Fault.ACCEPT_THEN_BOUNCE: Ending.HARD_BOUNCE,
    Fault.ACCEPT_THEN_BOUNCE_UNEXPLAINED: Ending.UNEXPLAINED,
    Fault.ACCEPT_THEN_BLOCK: Ending.BLOCKED,
    Fault.ACCEPT_THEN_SILENCE: None,
}

# What is reported, in this order, about an address whose part before the @ is one of these words, or begins with one
# and a plus: bounced+anything@any.domain. An address decides only where its account would deliver.
ADDRESS_ENDINGS: Final[dict[str, tuple[Ending, ...]]] = {
    "bounced": (Ending.HARD_BOUNCE,),
    "complained": (Ending.DELIVERED, Ending.COMPLAINED),
    "silent": (),
}


def endings(fault: Fault, address: str) -> tuple[Ending, ...]:
    """What is reported about this recipient of an email that was accepted under `fault`, in this order."""
    ending = ENDINGS[fault]
    if ending is not Ending.DELIVERED:
        return () if ending is None else (ending,)
    word = address.partition("@")[0].partition("+")[0].lower()
    return ADDRESS_ENDINGS.get(word, (ending,))


@dataclass(frozen=True, slots=True)
class Behavior:
    """How one account behaves until the control API sets another behavior."""

    fault: Fault = Fault.NONE
    webhooks: tuple[WebhookFault, ...] = ()
    latency_ms: int = 0


class BadSetting(Exception):
    """A setting of the control API is wrong: the field, and what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def read_behavior(setting: object) -> Behavior:
    """The behavior that a decoded JSON object describes. Missing fields have their default. Raises BadSetting."""
    if not isinstance(setting, dict):
        raise BadSetting("body", "must be a JSON object")
    for field in setting:
        if field not in ("fault", "webhooks", "latency_ms"):
            raise BadSetting(field, "unknown field")
    webhooks = setting.get("webhooks", [])
    if not isinstance(webhooks, list):
        raise BadSetting("webhooks", "must be a list")
    latency_ms = setting.get("latency_ms", 0)
    if not isinstance(latency_ms, int) or isinstance(latency_ms, bool) or not 0 <= latency_ms <= 600_000:
        raise BadSetting("latency_ms", "must be a whole number from 0 to 600000")
    return Behavior(
        fault=_member(Fault, "fault", setting.get("fault", Fault.NONE)),
        webhooks=tuple(dict.fromkeys(_member(WebhookFault, "webhooks", name) for name in webhooks)),
        latency_ms=latency_ms,
    )


Member = TypeVar("Member", bound=StrEnum)


def _member(kind: type[Member], field: str, name: Any) -> Member:
    try:
        return kind(name)
    except ValueError:
        raise BadSetting(field, f"{name!r} is not one of {', '.join(kind)}") from None
