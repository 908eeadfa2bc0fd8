"""Posts webhooks to the app, a moment after an email was taken, and again for a while if the app does not take them."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Final

import aiohttp

from app.local.simulator.dialect import Dialect, Post, SimulatedEvent
from app.local.simulator.faults import ENDINGS, Behavior, WebhookFault
from app.local.simulator.inbox import Entry
from app.local.simulator.keys import Keys

DELAY_S: Final = 0.15  # after the answer: soon, but never before it
LATE_S: Final = 5.0
RETRIES_S: Final = (0.5, 1.0, 2.0, 4.0)  # real providers go on for hours
TIMEOUT_S: Final = 10.0

logger = logging.getLogger(__name__)


class Webhooks:
    """The sending side of every provider's webhooks. `url` is the app's, without the provider's name."""

    def __init__(self, url: str, keys: Keys, forged: Keys, session: aiohttp.ClientSession) -> None:
        """Sign with `keys`; with `forged` under the fault bad_signature."""
        self.url = url
        self.keys = keys
        self._forged = forged
        self._session = session
        self._tasks: set[asyncio.Task[None]] = set()

    def report(self, dialect: Dialect, entry: Entry, behavior: Behavior) -> None:
        """Tell the app what became of `entry`, under the behavior of the moment it was taken. Returns at once."""
        ending = ENDINGS[behavior.fault]
        if ending is None or WebhookFault.OFF in behavior.webhooks:
            return
        events = dialect.final(entry, ending)
        if WebhookFault.REORDER in behavior.webhooks:
            events = [*dialect.accepted(entry), *events][::-1]
        self._start(self._tell(dialect, events, behavior))

    async def post(self, provider: str, post: Post) -> int | None:
        """Post once: the status of the app's answer, None if there was none."""
        url = f"{self.url.rstrip('/')}/{provider}"
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with self._session.post(url, data=post.body, headers=dict(post.headers), timeout=timeout) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def close(self) -> None:
        """Drop what has not been posted yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, dialect: Dialect, events: Sequence[SimulatedEvent], behavior: Behavior) -> None:
        await asyncio.sleep(LATE_S if WebhookFault.LATE in behavior.webhooks else DELAY_S)
        forged = WebhookFault.BAD_SIGNATURE in behavior.webhooks
        posts = dialect.sign(events, self._forged if forged else self.keys)
        times = 2 if WebhookFault.DUPLICATE in behavior.webhooks else 1
        if WebhookFault.REORDER in behavior.webhooks:
            # One after the other: side by side the wrong order would be a matter of luck.
            await self._deliver(dialect.name, [post for post in posts for _ in range(times)])
        else:
            await asyncio.gather(*(self._deliver(dialect.name, [post] * times) for post in posts))

    async def _deliver(self, provider: str, posts: Sequence[Post]) -> None:
        for post in posts:
            await self._insist(provider, post)

    async def _insist(self, provider: str, post: Post) -> None:
        refusals = 0
        for pause_s in (*RETRIES_S, None):
            status = await self.post(provider, post)
            if status is not None and 200 <= status < 300:
                return
            refusals += status == 401
            if pause_s is None or refusals > 1:
                logger.warning("webhook given up", extra={"provider": provider, "status": status})
                return
            await asyncio.sleep(pause_s)
