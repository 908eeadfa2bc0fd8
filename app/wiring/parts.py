"""`build` puts the use cases together. Deployed processes, laptops, tests and benches all call it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pynamodb.exceptions import PynamoDBException

from app.delivery import sandbox
from app.delivery.accept import Accept
from app.delivery.attempt import MakeAttempt
from app.delivery.attribution import Attribution
from app.delivery.cancel import Cancel
from app.delivery.capacity import Capacity
from app.delivery.context import ContextReader
from app.delivery.explain import Explain, Habits
from app.delivery.keep import Keep
from app.delivery.monitor import Monitor
from app.delivery.our_faults import OurFaults
from app.delivery.places import PlaceTaker
from app.delivery.ports import Clock, Send
from app.delivery.queue_ports import Publish, PublishLater, PublishMany
from app.delivery.rate_limit import RateLimit
from app.delivery.read import Read
from app.delivery.read_content import ReadContent
from app.delivery.recent_calls import RecentCalls
from app.delivery.record import Record
from app.delivery.reschedule import Reschedule
from app.delivery.retry import Retry
from app.delivery.sweep import Sweep
from app.domain.eligibility import objections
from app.domain.protocol import DeliveryProtocol
from app.errors import ServiceUnavailable
from app.notify.stats import ReadStatistics
from app.providers.sdk import mime
from app.settings import Settings
from app.store.api_keys import ApiKeys
from app.store.heads import Heads
from app.store.partitions import Partitions
from app.store.stories import Stories
from app.store.suppressions import Suppressions
from app.tracing import UNTRACED, Traces
from app.wiring.admission import build_admission
from app.wiring.carriers import Listens, capability
from app.wiring.reading import build_read
from app.wiring.sandbox import with_sandbox
from app.wiring.stats import build_statistics
from app.wiring.stores import Stores, leave_to_the_sweep
from app.wiring.sweep import always, build_sweep
from app.wiring.tracing import Tracer

if TYPE_CHECKING:  # workers do not load it
    from app.wiring.notify import Notify

# A worker is killed at its time limit; its lease ends this much later.
LEASE_MARGIN_S = 10


def _no_notify() -> "Notify":
    raise ServiceUnavailable("this process has neither a feed nor endpoints")


@dataclass(frozen=True)
class Container:
    """Everything that an entry point needs.

    `ping` raises ServiceUnavailable if the email table does not answer. `close` sends the last spans and closes the
    connections to providers. `draining` lists the accounts that left PROVIDERS, and whose webhooks are still verified.
    `notify` makes what concerns feed and endpoints when that is first needed.
    """

    settings: Settings
    clock: Clock
    accept: Accept
    rate_limit: RateLimit
    attempt: MakeAttempt
    cancel: Cancel
    reschedule: Reschedule
    retry: Retry
    record: Record
    read: Read
    read_content: ReadContent
    sweep: Sweep
    explain: Explain
    monitor: Monitor
    recent_calls: RecentCalls
    suppressions: Suppressions
    api_keys: ApiKeys
    partitions: Partitions
    statistics: ReadStatistics
    providers: Mapping[str, Listens]
    ping: Callable[[], None]
    close: Callable[[], None] = field(default=lambda: None)
    draining: Callable[[], tuple[str, ...]] = field(default=lambda: ())
    traces: Traces = UNTRACED
    is_local: bool = False  # in local mode, where webhooks may be posted to this machine
    notify: Callable[[], "Notify"] = field(default=_no_notify)


def build(
    settings: Settings,
    publish: Publish,
    send: Send,
    clock: Clock,
    *,
    stores: Stores,
    publish_many: PublishMany,
    providers: Mapping[str, Listens],
    confirm: Callable[[str, str], None],
    monotonic: Clock = time.monotonic,
    publish_later: PublishLater = leave_to_the_sweep,
    wait: Callable[[float], None] = time.sleep,
    answers: Callable[[], bool] = always,
    traces: Traces = UNTRACED,
) -> Container:
    """Every use case. `providers` is keyed by account; `confirm` confirms an account's subscription by fetching a URL.

    `wait` lets a number of seconds pass. Without a `publish_later`, an email that waits for a place is published by the
    sweep. `answers` says whether our own API answers.
    """
    tracer = Tracer(traces)
    publish, publish_many, publish_later = tracer.queue(publish, publish_many, publish_later)
    protocol = DeliveryProtocol(
        settings.providers,
        settings.uncertain_wait_s * 1000,
        {name: one.limits.idempotent_for_s.value * 1000 for name, one in providers.items()},
    )
    partitions = Partitions(clock, monotonic, settings.shards)
    monitor = Monitor(stores.healths, settings.providers, clock, monotonic, wait)
    places = PlaceTaker(stores.places, settings.routing.caps, clock, wait)
    read_context = ContextReader(monitor, places, settings.routing, stores.suppressions, stores.collapses, clock)
    own_lists = {name: one.limits.own_list.value for name, one in providers.items()}
    find_objections = partial(
        objections, {name: capability(one, settings.from_domains[name]) for name, one in providers.items()}
    )
    keep = Keep(stores.contents, stores.events, stores.keys)
    attempt = MakeAttempt(
        heads=stores.heads,
        contents=stores.contents,
        send=tracer.sending(send),
        publish=publish,
        publish_later=publish_later,
        clock=clock,
        protocol=protocol,
        read_context=read_context,
        monitor=monitor,
        capacity=Capacity(monitor, places),
        suppress=stores.suppressions.note,
        lease_s=settings.worker_timeout_s + LEASE_MARGIN_S,
        own_lists=own_lists,
        trace=tracer.attempt,
    )
    record = Record(
        receivers=providers,
        attribute=Attribution(stores.heads, stores.recipients, partitions),
        heads=stores.heads,
        events=stores.events,
        nonces=stores.nonces,
        publish_many=publish_many,
        confirm=confirm,
        clock=clock,
        protocol=protocol,
        monitor=monitor,
        places=places,
        suppress=stores.suppressions.note,
        our_faults=OurFaults(stores.heads, monitor, clock),
        only_project=lambda: partitions.known().only_project,
        own_lists=own_lists,
        trace=tracer.events,
    )
    return Container(
        settings=settings,
        clock=clock,
        accept=Accept(
            heads=stores.heads,
            contents=stores.contents,
            collapses=stores.collapses,
            keys=stores.keys,
            publish=publish,
            publish_many=publish_many,
            clock=clock,
            retry_for_s=settings.retry_for_s,
            objections=find_objections,
            accounts=settings.providers,
            suppressions=stores.suppressions,
            partitions=partitions,
            shards=settings.shards,
            admission=build_admission(settings, stores, clock),
            trace=tracer.request,
        ),
        rate_limit=RateLimit(stores.usage, clock),
        attempt=with_sandbox(attempt, record, stores.collapses, stores.places, tracer.sending(sandbox.send)),
        cancel=Cancel(stores.heads, clock, protocol),
        record=record,
        reschedule=Reschedule(stores.heads, stores.collapses, keep, publish, clock, protocol, settings.retry_for_s),
        retry=Retry(
            heads=stores.heads,
            contents=stores.contents,
            collapses=stores.collapses,
            suppressions=stores.suppressions,
            keep=keep,
            publish=publish,
            clock=clock,
            protocol=protocol,
            retry_for_s=settings.retry_for_s,
            accounts=settings.providers,
        ),
        read=build_read(stores.heads, Stories(stores.contents), stores.listings, partitions),
        read_content=ReadContent(stores.contents, mime.render),
        sweep=build_sweep(
            stores.heads, stores.cursors, publish_many, clock, monitor, stores.healths, partitions, answers
        ),
        explain=Explain(
            read_context,
            find_objections,
            {
                name: Habits(one.limits.tracking.value, one.limits.tags_add.value, own_lists[name])
                for name, one in providers.items()
            },
            sandbox.ExplainSandbox(find_objections, clock),
        ),
        monitor=monitor,
        recent_calls=RecentCalls(stores.healths, monitor, clock, monotonic),
        suppressions=stores.suppressions,
        api_keys=ApiKeys(clock, monotonic),
        partitions=partitions,
        statistics=build_statistics(partitions, clock),
        providers=providers,
        ping=lambda: _ping(stores.heads),
        traces=traces,
    )


def _ping(heads: Heads) -> None:
    try:
        heads.get("ping")
    except PynamoDBException as error:
        raise ServiceUnavailable(f"the email table does not answer: {type(error).__name__}") from error
