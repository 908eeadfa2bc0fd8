"""Posts webhooks to the app shortly after an email was accepted, and a few times more if the answer is not a 2xx."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Final

import aiohttp

from app.local.simulator.accounts import Account
from app.local.simulator.dialect import Post, Reply, SimulatedEvent
from app.local.simulator.faults import Behavior, Ending, WebhookFault, endings
from app.local.simulator.inbox import Entry
from app.local.simulator.mail import Mailbox

DELAY_S: Final = 0.15  # the wait after a call was accepted, so that no webhook comes before the call's answer
LATE_S: Final = 5.0
RETRIES_S: Final = (0.5, 1.0, 2.0, 4.0)  # the waits between tries; real providers try for hours
TIMEOUT_S: Final = 10.0

logger = logging.getLogger(__name__)


class Webhooks:
    """Sends the webhooks of every account. `url` is that of the app, without the account's name."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session
        self._tasks: set[asyncio.Task[None]] = set()

    def report(self, account: Account, entry: Entry, behavior: Behavior) -> None:
        """Report to the app how `entry` ended. Returns at once.

        `behavior` is the account's at the time of the acceptance.
        """
        ended = _ended(entry, behavior)
        if not ended or WebhookFault.OFF in behavior.webhooks:
            return
        events = [event for ending, who in ended.items() for event in account.dialect.final(entry, ending, who)]
        if WebhookFault.REORDER in behavior.webhooks:
            events = [*account.dialect.accepted(entry), *events][::-1]
        self._start(self._send_events(account, events, behavior))

    async def post(self, account: str, post: Post) -> Reply | None:
        """Post a webhook once. Returns the app's answer, or None if there was none."""
        url = f"{self.url.rstrip('/')}/{account}"
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with self._session.post(url, data=post.body, headers=dict(post.headers), timeout=timeout) as answer:
                return Reply(answer.status, await answer.read())
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

    async def _send_events(self, account: Account, events: Sequence[SimulatedEvent], behavior: Behavior) -> None:
        await asyncio.sleep(LATE_S if WebhookFault.LATE in behavior.webhooks else DELAY_S)
        forged = WebhookFault.BAD_SIGNATURE in behavior.webhooks
        key = account.forged_key if forged else account.key
        posts = [account.dialect.sign(body, key) for body in account.dialect.bodies(events)]
        times = 2 if WebhookFault.DUPLICATE in behavior.webhooks else 1
        if WebhookFault.REORDER in behavior.webhooks:
            # They are posted one after the other, because the order of concurrent posts would be random.
            await self._deliver(account.name, [post for post in posts for _ in range(times)])
        else:
            await asyncio.gather(*(self._deliver(account.name, [post] * times) for post in posts))

    async def _deliver(self, account: str, posts: Sequence[Post]) -> None:
        for post in posts:
            await self._post_with_retries(account, post)

    async def _post_with_retries(self, account: str, post: Post) -> None:
        refusals = 0
        for pause_s in (*RETRIES_S, None):
            reply = await self.post(account, post)
            status = None if reply is None else reply.status
            if status is not None and 200 <= status < 300:
                return
            refusals += status == 401
            if pause_s is None or refusals > 1:
                logger.warning("webhook given up", extra={"provider": account, "status": status})
                return
            await asyncio.sleep(pause_s)


def _ended(entry: Entry, behavior: Behavior) -> dict[Ending, list[Mailbox]]:
    """What is reported about the email, and about whom. The endings have the order of the enumeration."""
    ended: dict[Ending, list[Mailbox]] = {}
    for ending in Ending:
        about = [each for each in entry.mail.recipients if ending in endings(behavior.fault, each.address)]
        if about:
            ended[ending] = about
    return ended
