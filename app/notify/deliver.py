"""deliver: post notifications to their receivers, and see to it that what is not taken comes again.

A notification is done with when what became of its call is dealt with: it was taken, it is on the queue or stored for
its next try, or there is none. A process that dies before leaves it on the queue, so it may be posted twice, and is
never lost.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from app.domain.endpoint import PROBE_LASTS_MS, PROBED_EVERY_MS, Calls, failed, worked
from app.domain.freshness import Clock, Elapsed
from app.domain.tried import Tried
from app.faults import log_fault
from app.notify.endpoint_state import EndpointState
from app.notify.gate import Gate, GateState, Receiver
from app.notify.next_tries import NextTries
from app.notify.notification import DEFAULT_ENDPOINT, TEST_TYPE, Notification
from app.notify.ports import (
    CALL_S,
    Answer,
    DelayNotifications,
    DeliveryLog,
    EndpointStore,
    Post,
    Sign,
    WaitingNotifications,
)
from app.notify.receiver_queues import ReceiverQueues
from app.notify.tries import NoAnswer, Outcome, Result, delay_s_of, ended

log = logging.getLogger(__name__)

BESIDE_THE_CALL_S: Final = 5.0  # what storing what became of it takes, and the log
GONE: Final = 410
# What is held back comes so much later than a failed call does. Else it would come behind the next call of the one that
# has failed, as it did now, and would be given up without a call though its receiver might take it.
BEHIND_A_PROBE_S: Final = PROBED_EVERY_MS // 1000
STORE_THREADS: Final = 8
HELD_FOR_MS: Final = 12 * 3_600_000  # so long, what is held back because its receiver is slow loses no try
HELD_BACK: Final = NoAnswer("held back: the receiver does not take others")
SLOW: Final = NoAnswer("held back: the receiver is slow")

Value = TypeVar("Value")


class Deliver:
    """Posts notifications side by side, those of each receiver a few at a time. May be shared between threads.

    `close` ends its threads; no run may be under way then.
    """

    def __init__(
        self,
        *,
        endpoints: EndpointStore,
        sign: Sign,
        post: Post,
        publish_later: DelayNotifications,
        waiting: WaitingNotifications,
        deliveries: DeliveryLog,
        clock: Clock,
        monotonic: Clock = time.monotonic,
    ) -> None:
        self._endpoints, self._sign, self._post = endpoints, sign, post
        self._next_tries, self._deliveries = NextTries(publish_later, waiting, clock), deliveries
        self._clock, self._monotonic = clock, monotonic
        self._passed = Elapsed(clock, monotonic)
        self._gate = Gate(self._passed)
        self._queues: ReceiverQueues[Result] = ReceiverQueues(self._gate.most_at_once)
        self._store = ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="deliveries-store")

    def close(self) -> None:
        """End the threads, once they have done what was begun."""
        self._queues.close()
        self._store.shutdown()

    def __call__(self, notifications: Sequence[Notification], within_s: float) -> list[bool]:
        """Post these. Returns for each whether it is done with; whatever is not must come again.

        What cannot be begun so that it ends within `within_s` is not begun. What fails on our side is logged.
        """
        until_s = self._monotonic() + within_s
        reads = {
            key: self._beside(partial(EndpointState, self._endpoints, *key))
            for key in dict.fromkeys((one.project, one.endpoint_id) for one in notifications)
        }
        states = {key: _result_of(read, "endpoint not read") for key, read in reads.items()}
        of_each = [states[one.project, one.endpoint_id] for one in notifications]
        # Decided of all before any call is made: those that wait for the turn of a probe may be called after it.
        results = [
            self._without_call(one, state) if state else None for one, state in zip(notifications, of_each, strict=True)
        ]
        begun = {
            number: self._queues.submit(state.receiver(one), partial(self._deliver, one, state, until_s))
            for number, (one, state) in enumerate(zip(notifications, of_each, strict=True))
            if state and results[number] is None
        }
        for number, future in begun.items():
            results[number] = _result_of(future, "notification failed on our side")
        self._keep_following(results)
        self._log(zip(notifications, results, strict=True))
        return [result is not None and result.outcome is not Outcome.TOO_LATE for result in results]

    def _without_call(self, one: Notification, state: EndpointState) -> Result | None:
        """What becomes of a notification that is not posted now. None: it is to be posted, as far as is known."""
        if dropped := self._dropped(one, state):
            return dropped
        if one.type == TEST_TYPE:
            return None
        calls = state.known_calls(int(self._clock() * 1000))
        if calls is Calls.ALL:
            return self._held_at_gate(one, state, self._gate.look)
        return self._held_back(one, calls)

    def _dropped(self, one: Notification, state: EndpointState) -> Result | None:
        why, is_kept = state.why_dropped(one), state.endpoint is not None  # nobody can ask for the log of a deleted one
        return self._ended(one, Outcome.DROPPED, NoAnswer(f"dropped: {why}"), is_kept=is_kept) if why else None

    def _held_back(self, one: Notification, calls: Calls) -> Result | None:
        """What becomes of a notification if only these calls may be made. None: it may be posted."""
        if calls is Calls.AFTER_PROBE:
            return self._later(one, one, PROBE_LASTS_MS / 1000, HELD_BACK, Outcome.HELD_BACK)
        return self._again(one, HELD_BACK, Outcome.HELD_BACK, BEHIND_A_PROBE_S) if calls is Calls.NONE else None

    def _held_at_gate(
        self, one: Notification, state: EndpointState, ask: Callable[[Receiver], GateState]
    ) -> Result | None:
        """What becomes of a notification if the gate keeps it back. None: it may be posted."""
        receiver = state.receiver(one)
        found = ask(receiver)
        if found is not GateState.SLOW:
            return self._held_back(one, Calls.NONE if found is GateState.FAILING else Calls.ALL)
        now_ms = int(self._clock() * 1000)
        since_ms = min(one.held_since_ms or now_ms, now_ms)  # the clock may have been set back
        if now_ms - since_ms >= HELD_FOR_MS:
            return self._again(one, SLOW, Outcome.HELD_BACK)
        following = replace(one, held_since_ms=since_ms)
        return self._later(one, following, self._gate.turn_in_s(receiver), SLOW, Outcome.HELD_BACK)

    def _deliver(self, one: Notification, state: EndpointState, until_s: float) -> Result:
        if decided := self._without_call(one, state):
            return decided  # another call was answered meanwhile
        if until_s - self._monotonic() < CALL_S + BESIDE_THE_CALL_S:
            return self._ended(one, Outcome.TOO_LATE, NoAnswer("too little time is left"), is_kept=False)
        if one.type == TEST_TYPE:
            answer = self._call(one, state, state.url(one))
            # Somebody watches: it is made whatever is known of the endpoint, and changes nothing.
            return self._ended(one, Outcome.TAKEN if answer.is_taken else Outcome.GIVEN_UP, answer)
        return self._called(one, state)

    def _call(self, one: Notification, state: EndpointState, url: str) -> Answer:
        at_ms, body = int(self._clock() * 1000), one.body.encode()
        return self._post(url, self._sign(*state.signer, one.event_id, at_ms, body), body)

    def _called(self, one: Notification, state: EndpointState) -> Result:
        began_ms = int(self._clock() * 1000)
        calls = state.calls(began_ms)
        url, receiver = state.url(one), state.receiver(one)
        held = self._dropped(one, state) or self._held_back(one, calls)
        if held is None and calls is Calls.ALL:
            held = self._held_at_gate(one, state, self._gate.admit)
        if held:
            return held
        began_s = self._passed()
        try:
            answer = self._call(one, state, url)
        except BaseException:
            self._gate.abandoned(receiver)  # or a probe would be under way for ever
            raise
        if answer.is_taken:
            self._gate.taken(receiver, began_s)
            state.note(worked, url)
            return self._ended(one, Outcome.TAKEN, answer)
        self._gate.failed(receiver, began_s)
        state.note(partial(failed, status_code=answer.status_code, now_ms=began_ms), url)
        # An endpoint that has gone is disabled by now. If it is not, it has moved, or that could not be stored.
        if not state.is_called or (answer.status_code == GONE and one.endpoint_id == DEFAULT_ENDPOINT):
            return self._ended(one, Outcome.GIVEN_UP, answer)
        return self._again(one, answer, Outcome.LATER)

    def _again(self, one: Notification, answer: Answer, outcome: Outcome, later_by_s: int = 0) -> Result:
        """Let a notification come again after a try that it was not taken by, if it was not the last one."""
        delay_s = delay_s_of(one.tries + 1, answer)
        if delay_s is None:
            return self._ended(one, Outcome.GIVEN_UP, answer)
        following = replace(one, tries=one.tries + 1, held_since_ms=0)
        return self._later(one, following, delay_s + later_by_s, answer, outcome)

    def _later(
        self, one: Notification, following: Notification, delay_s: float, answer: Answer, outcome: Outcome
    ) -> Result:
        """Let a notification come again so much later, as it is then."""
        return self._ended(one, outcome, answer, following=(following, int((self._clock() + delay_s) * 1000)))

    def _ended(self, one: Notification, outcome: Outcome, answer: Answer, **more: Any) -> Result:
        return ended(one, outcome, answer, int(self._clock() * 1000), **more)

    def _keep_following(self, results: list[Result | None]) -> None:
        """Keep what comes again. Of what nobody keeps, no result is left: it is not done with."""
        following = {number: result.following for number, result in enumerate(results) if result and result.following}
        for number, is_kept in zip(following, self._next_tries.keep(list(following.values())), strict=True):
            if not is_kept:
                results[number] = None

    def _log(self, results: Iterable[tuple[Notification, Result | None]]) -> None:
        """Write the log, an item for each endpoint. That it cannot be written is no reason to post anything twice."""
        tries: dict[tuple[str, str], list[Tried]] = defaultdict(list)
        for one, result in results:
            if result is not None and result.tried is not None:
                tries[one.project, one.endpoint_id].append(result.tried)
        writes = [self._beside(partial(self._deliveries.add, *key, several)) for key, several in tries.items()]
        for write in writes:
            _result_of(write, "deliveries not logged")

    def _beside(self, call: Callable[[], Value]) -> Future[Value]:
        return self._store.submit(copy_context().run, call)


def _result_of(future: Future[Value], message: str) -> Value | None:
    """What a call returns; None if it failed, which is logged."""
    try:
        return future.result()
    except Exception as error:  # noqa: BLE001 because whatever it was, the others go on
        log_fault(log, message, error)
        return None
