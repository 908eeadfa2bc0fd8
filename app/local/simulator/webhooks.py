"""Posts webhooks to the app shortly after an email was accepted, and again for a day until the answer is a 2xx."""

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Final

import aiohttp

from app.local.simulator.accounts import Account
from app.local.simulator.dialect import Post, Reply
from app.local.simulator.faults import Behavior, Ending, WebhookFault, endings
from app.local.simulator.inbox import Entry
from app.local.simulator.mail import Mailbox
from app.local.simulator.outbox import Outbox, Report

DELAY_S: Final = 0.15  # the wait after a call was accepted, so that no webhook comes before the call's answer
LATE_S: Final = 5.0
RETRIES_S: Final = (0.5, 1.0, 2.0, 4.0)  # the waits between the first tries
LATER_RETRIES_S: Final = (8.0, 16.0, 30.0, 60.0)  # as long as the app does not answer, or fails; the last one repeats
FOR_S: Final = 24 * 3600.0  # how long they go on
REFUSALS: Final = 2  # a webhook that is not believed is sent once more
TIMEOUT_S: Final = 10.0
SIDE_BY_SIDE: Final = 16

logger = logging.getLogger(__name__)


class Webhooks:
    """Sends the webhooks of every account. `url` is that of the app, without the account's name."""

    def __init__(self, url: str, session: aiohttp.ClientSession, outbox: Outbox) -> None:
        self.url = url
        self._session = session
        self._outbox = outbox
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)
        self._tasks: set[asyncio.Task[None]] = set()

    def go_on(self, accounts: Mapping[str, Account]) -> None:
        """Post what an earlier process left. The webhooks of an account that is not played now stay where they are."""
        for number, report in self._outbox.reports().items():
            if report.account in accounts:
                self._start(accounts[report.account], number, report)

    def report(self, account: Account, entry: Entry, behavior: Behavior) -> None:
        """Report to the app how `entry` ended. Returns once that is sure to happen.

        `behavior` is the account's at the time of the acceptance.
        """
        ended = _ended(entry, behavior)
        if not ended or WebhookFault.OFF in behavior.webhooks:
            return
        events = [event for ending, who in ended.items() for event in account.dialect.final(entry, ending, who)]
        if WebhookFault.REORDER in behavior.webhooks:
            events = [*account.dialect.accepted(entry), *events][::-1]
        report = Report(
            account=account.name,
            bodies=tuple(account.dialect.bodies(events)),
            at_s=time.time() + (LATE_S if WebhookFault.LATE in behavior.webhooks else DELAY_S),
            forged=WebhookFault.BAD_SIGNATURE in behavior.webhooks,
            times=2 if WebhookFault.DUPLICATE in behavior.webhooks else 1,
            in_order=WebhookFault.REORDER in behavior.webhooks,
        )
        self._start(account, self._outbox.add(report), report)

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
        """Stop. What has not been posted yet is posted by the next process."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._outbox.close()

    def _start(self, account: Account, number: int, report: Report) -> None:
        task = asyncio.create_task(self._send(account, number, report))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, account: Account, number: int, report: Report) -> None:
        await asyncio.sleep(min(LATE_S, report.at_s - time.time()))
        key = account.forged_key if report.forged else account.key
        posts = [account.dialect.sign(body, key) for body in report.bodies]
        until_s = report.at_s + FOR_S
        if report.in_order:
            # They are posted one after the other, because the order of concurrent posts would be random.
            await self._deliver(account.name, [post for post in posts for _ in range(report.times)], number, until_s)
        else:
            each = (self._deliver(account.name, [post] * report.times, number, until_s) for post in posts)
            await asyncio.gather(*each)
        self._outbox.done(number)

    async def _deliver(self, account: str, posts: Sequence[Post], number: int, until_s: float) -> None:
        for post in posts:
            await self._post_with_retries(account, post, number, until_s)

    async def _post_with_retries(self, account: str, post: Post, number: int, until_s: float) -> None:
        refusals = 0
        for tries, pause_s in enumerate(_pauses(), start=1):
            async with self._slots:
                reply = await self.post(account, post)
            status = None if reply is None else reply.status
            if status is not None and 200 <= status < 300:
                return
            refusals += status == 401
            is_refused = refusals >= REFUSALS or (tries > len(RETRIES_S) and not _is_down(status))
            if is_refused or time.time() > until_s or number not in self._outbox:
                logger.warning("webhook given up", extra={"provider": account, "status": status})
                return
            await asyncio.sleep(pause_s)


def _pauses() -> Iterator[float]:
    yield from RETRIES_S
    yield from LATER_RETRIES_S
    yield from repeat(LATER_RETRIES_S[-1])


def _is_down(status: int | None) -> bool:
    """Whether the app may take later what it did not take now."""
    return status is None or status >= 500


def _ended(entry: Entry, behavior: Behavior) -> dict[Ending, list[Mailbox]]:
    """What is reported about the email, and about whom. The endings have the order of the enumeration."""
    ended: dict[Ending, list[Mailbox]] = {}
    for ending in Ending:
        about = [each for each in entry.mail.recipients if ending in endings(behavior.fault, each.address)]
        if about:
            ended[ending] = about
    return ended
