"""Posts webhooks to the app shortly after an email was accepted, and a few times more if the answer is not a 2xx."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Final

import aiohttp

from app.local.simulator.dialect import Dialect, Post, SimulatedEvent
from app.local.simulator.faults import ENDINGS, Behavior, WebhookFault
from app.local.simulator.inbox import Entry
from app.local.simulator.keys import Keys

DELAY_S: Final = 0.15  # the wait after a call was accepted, so that no webhook comes before the call's answer
LATE_S: Final = 5.0
RETRIES_S: Final = (0.5, 1.0, 2.0, 4.0)  # the waits between tries; real providers try for hours
TIMEOUT_S: Final = 10.0

logger = logging.getLogger(__name__)


class Webhooks:
    """Sends the webhooks of every provider. `url` is that of the app, without the provider's name."""

    def __init__(self, url: str, keys: Keys, forged: Keys, session: aiohttp.ClientSession) -> None:
        """`keys` sign the webhooks; `forged` sign them under the fault bad_signature."""
        self.url = url
        self.keys = keys
        self._forged = forged
        self._session = session
        self._tasks: set[asyncio.Task[None]] = set()

    def report(self, dialect: Dialect, entry: Entry, behavior: Behavior) -> None:
        """Report to the app how `entry` ended. Returns at once.

        `behavior` is the provider's at the time of the acceptance.
        """
        ending = ENDINGS[behavior.fault]
        if ending is None or WebhookFault.OFF in behavior.webhooks:
            return
        events = dialect.final(entry, ending)
        if WebhookFault.REORDER in behavior.webhooks:
            events = [*dialect.accepted(entry), *events][::-1]
        self._start(self._send_events(dialect, events, behavior))

    async def post(self, provider: str, post: Post) -> int | None:
        """Post a webhook once. Returns the status of the app's answer, or None if there was no answer."""
        url = f"{self.url.rstrip('/')}/{provider}"
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with self._session.post(url, data=post.body, headers=dict(post.headers), timeout=timeout) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def close(self) -> None:
        """Drop the webhooks that have not been posted yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_events(self, dialect: Dialect, events: Sequence[SimulatedEvent], behavior: Behavior) -> None:
        await asyncio.sleep(LATE_S if WebhookFault.LATE in behavior.webhooks else DELAY_S)
        forged = WebhookFault.BAD_SIGNATURE in behavior.webhooks
        posts = dialect.sign(events, self._forged if forged else self.keys)
        times = 2 if WebhookFault.DUPLICATE in behavior.webhooks else 1
        if WebhookFault.REORDER in behavior.webhooks:
            # They are posted one after the other, because the order of concurrent posts would be random.
            await self._deliver(dialect.name, [post for post in posts for _ in range(times)])
        else:
            await asyncio.gather(*(self._deliver(dialect.name, [post] * times) for post in posts))

    async def _deliver(self, provider: str, posts: Sequence[Post]) -> None:
        for post in posts:
            await self._post_with_retries(provider, post)

    async def _post_with_retries(self, provider: str, post: Post) -> None:
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
