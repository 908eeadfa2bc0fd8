"""The failure modes of a first provider, and how the copies that were taken are judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.local.simulator.faults import Fault
from bench.faulty_proxy import Trouble


class Way(StrEnum):
    """How the first provider is reached. Each way has its own base URL."""

    SIMULATOR = "simulator"
    PROXY = "proxy"  # plain HTTP to the proxy
    TLS = "tls"  # https to the proxy
    NOWHERE = "nowhere"  # a host name that does not exist


class Fate(StrEnum):
    """What happens to a copy that the failing provider takes."""

    DELIVERED = "delivered"
    DEAD = "dead"
    BLOCKED = "blocked"
    SILENT = "silent"


class Result(StrEnum):
    """What the copies mean for the recipient."""

    ONCE = "once"
    TWICE = "twice"
    LOST = "lost"
    NOT_RESENT = "rightly not resent"
    RESENT_TO_DEAD = "resent to a dead mailbox"
    UNKNOWN = "taken, never reported on"


GOOD: Final = (Result.ONCE, Result.NOT_RESENT, Result.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Mode:
    """One failure mode: a row of the matrix."""

    title: str
    way: Way
    fault: Fault = Fault.NONE  # of the simulated first provider
    trouble: Trouble = Trouble.NONE  # of the proxy
    fate: Fate = Fate.DELIVERED


MODES: Final = (
    Mode("DNS: no such host", Way.NOWHERE),
    Mode("TLS: the listener speaks plain HTTP", Way.TLS, trouble=Trouble.PLAIN_TEXT),
    Mode("TLS: self-signed certificate", Way.TLS, trouble=Trouble.SELF_SIGNED),
    Mode("connect timeout", Way.PROXY, trouble=Trouble.CONNECT_TIMEOUT),
    Mode("413", Way.PROXY, trouble=Trouble.TOO_LARGE),
    Mode("200 that carries a refusal", Way.PROXY, trouble=Trouble.REFUSAL_IN_200),
    Mode("202 without an id, not taken", Way.PROXY, trouble=Trouble.NO_ID_NOT_TAKEN),
    Mode("202 without an id, taken", Way.PROXY, trouble=Trouble.NO_ID_TAKEN),
    Mode("slow: taken at once, answered after 20 s", Way.PROXY, trouble=Trouble.TAKEN_THEN_SLOW),
    Mode("slow: taken and answered after 20 s", Way.PROXY, trouble=Trouble.TAKEN_AFTER_SLOW),
    Mode("connection refused", Way.SIMULATOR, Fault.REFUSE_CONNECTION),
    Mode("hang", Way.SIMULATOR, Fault.HANG),
    Mode("reset after the body, not taken", Way.SIMULATOR, Fault.RESET_AFTER_BODY),
    Mode("reset after the body, taken", Way.SIMULATOR, Fault.RESET_AFTER_ACCEPT),
    Mode("500", Way.SIMULATOR, Fault.SERVER_ERROR),
    Mode("502 with an HTML body", Way.SIMULATOR, Fault.BAD_GATEWAY_HTML),
    Mode("503", Way.SIMULATOR, Fault.UNAVAILABLE),
    Mode("504, not taken", Way.SIMULATOR, Fault.GATEWAY_TIMEOUT),
    Mode("429", Way.SIMULATOR, Fault.RATE_LIMIT),
    Mode("401", Way.SIMULATOR, Fault.UNAUTHORIZED),
    Mode("402", Way.SIMULATOR, Fault.PAYMENT_REQUIRED),
    Mode("403, the account is suspended", Way.SIMULATOR, Fault.FORBIDDEN),
    Mode("400 that only this provider answers", Way.SIMULATOR, Fault.REFUSE_MESSAGE),
    Mode("accepted, then silence", Way.SIMULATOR, Fault.ACCEPT_THEN_SILENCE, fate=Fate.SILENT),
    Mode("accepted, then 5.1.1 (dead mailbox)", Way.SIMULATOR, Fault.ACCEPT_THEN_BOUNCE, fate=Fate.DEAD),
    Mode("accepted, then blocked (reputation)", Way.SIMULATOR, Fault.ACCEPT_THEN_BLOCK, fate=Fate.BLOCKED),
)


def judge(mode: Mode, takers: Sequence[str], first: str) -> Result:
    """The result if the providers `takers` have taken a copy each, and `first` is the provider that fails."""
    fates = [mode.fate if taker == first else Fate.DELIVERED for taker in takers]
    if Fate.DEAD in fates:
        return Result.NOT_RESENT if len(fates) == 1 else Result.RESENT_TO_DEAD
    arrived = fates.count(Fate.DELIVERED)
    if not arrived:
        return Result.UNKNOWN if Fate.SILENT in fates else Result.LOST
    return Result.ONCE if arrived == 1 else Result.TWICE
