"""What a random run knows of the accounts' caps: how much of each was used, and how often somebody had to wait."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from app.domain.caps import DAY_S, Caps
from app.domain.head import Recipient
from app.domain.kinds import Cause

WAITS = ("the daily cap", "the cap per second")


class CapCheck:
    """Counts what was sent through each account. An assertion that fails is a cap that did not hold."""

    def __init__(self, caps: Mapping[str, Caps]) -> None:
        self.caps = caps
        self.waited: dict[str, set[tuple[str, str]]] = {cap: set() for cap in WAITS}  # emails and recipients
        self._calls: dict[tuple[str, int], list[int]] = defaultdict(list)  # by account and second: recipients
        self._copies: Counter[tuple[str, int]] = Counter()  # by account and day: recipients who got a copy

    def count_call(self, account: str, recipients: int, now_s: float) -> None:
        """Count a call that begins now. A call for more recipients than a second has places is alone in it."""
        calls = self._calls[account, int(now_s)]
        calls.append(recipients)
        cap = self.caps.get(account, Caps()).per_second
        assert cap is None or len(calls) == 1 or sum(calls) <= cap, "more in one second than the cap allows"

    def count_copy(self, account: str, recipients: int, now_s: float) -> None:
        """Count a copy that the provider has taken."""
        day = account, int(now_s) // DAY_S
        self._copies[day] += recipients
        cap = self.caps.get(account, Caps()).daily
        assert cap is None or self._copies[day] <= cap, "more on one day than the cap allows"

    def see(self, email_id: str, recipient: Recipient) -> None:
        """Remember the recipient if it waits for a cap."""
        for cap in WAITS:
            if recipient.cause is Cause.LIMIT and f"waits for {cap}" in recipient.detail:
                self.waited[cap].add((email_id, recipient.key))
