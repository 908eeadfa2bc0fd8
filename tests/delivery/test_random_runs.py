"""Random interleavings of everything that may happen, over the real store; after every step the guarantees hold.

EMAILS says how many emails at least are sent through it, SEED which ones: a run that fails prints how to repeat it.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, get_state_machine_test, initialize, invariant, rule

from app.domain.email import Email, Mailbox, OnUncertain
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from tests.support.aws import Aws
from tests.support.faults import FaultMode
from tests.support.harness import PROVIDERS
from tests.support.outcomes import (
    ACCOUNT,
    ON_PROVIDER_LIST,
    REFUSED,
    THROTTLED,
    UNAVAILABLE,
    UNCERTAIN,
    UNDELIVERABLE,
    accepted,
)
from tests.support.random_run import DEATH, STARTS_AT_S, DuringCall, FaultPoint, RandomRun
from tests.support.samples import an_email
from tests.support.size import RANDOM_RUN_EMAILS

EMAILS = RANDOM_RUN_EMAILS
FIXED_SEED = 2611  # the gate must not depend on chance; SEED=$RANDOM explores
EMAILS_A_RUN = 8  # at least
STEPS = 40

PEOPLE = [Mailbox(f"person-{n}@example.net") for n in range(6)]
EVENTS = [
    Kind.ACCEPTED, Kind.DELAYED, Kind.DELIVERED, Kind.HARD_BOUNCE, Kind.SOFT_BOUNCE, Kind.BLOCKED, Kind.DROPPED,
    Kind.SUPPRESSED, Kind.COMPLAINED, Kind.UNSUBSCRIBED, Kind.OPENED, Kind.CLICKED, Kind.UNKNOWN,
]  # fmt: skip
OUTCOMES = [
    accepted(),
    accepted(),
    UNAVAILABLE,
    ACCOUNT,
    THROTTLED,
    REFUSED,
    UNDELIVERABLE,
    ON_PROVIDER_LIST,
    UNCERTAIN,
    UNCERTAIN,
]

some = st.integers(0, 50)
people = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True).map(tuple)


def addressed(who: tuple[Mailbox, ...], bcc: int, expires_s: int | None, **fields: object) -> Email:
    """An email to those people, the last `bcc` of them in bcc (but one is always in to)."""
    visible = max(1, len(who) - bcc)
    expires_at_ms = None if expires_s is None else int((STARTS_AT_S + expires_s) * 1000)
    return an_email(*who[:visible], bcc=who[visible:], expires_at_ms=expires_at_ms, **fields)


emails = st.builds(
    addressed,
    people,
    st.integers(0, 2),
    st.sampled_from([None, None, None, 45, 300, 8000]),
    on_uncertain=st.sampled_from(OnUncertain),
    critical=st.sampled_from([False, False, True]),
    override_suppression=st.sampled_from([False, False, False, True]),
    collapse_key=st.sampled_from(["", "", "", "reset"]),
    providers=st.sampled_from([(), (), ("mailgun",), ("sendgrid", "ses")]),
)
crashes = st.tuples(st.integers(1, 14), st.sampled_from(FaultMode))
points = st.none() | crashes
meanwhiles = st.sampled_from([None, None, None, 31.0, 95.0, *EVENTS])
providers = st.sampled_from(PROVIDERS)


class RandomRuns(RuleBasedStateMachine):
    aws: Aws
    sent = 0  # emails of all runs
    repeated = 0  # calls of all runs that were repeated under their idempotency key

    def __init__(self) -> None:
        super().__init__()
        self.run = RandomRun(self.aws)

    @initialize(
        idempotent=st.sampled_from([(), ("sendgrid",), ("mailgun",), ("sendgrid", "ses")]),
        several=st.lists(emails, min_size=EMAILS_A_RUN, max_size=EMAILS_A_RUN + 4),
    )
    def accept_several(self, idempotent: tuple[str, ...], several: list[Email]) -> None:
        self.run.begin(idempotent)
        for email in several:
            self.run.accept(email)

    @rule(email=emails, point=points)
    def accept(self, email: Email, point: FaultPoint) -> None:
        self.run.accept(email, point)

    @rule(number=some, point=points)
    def ask_again(self, number: int, point: FaultPoint) -> None:
        self.run.ask_again(number, point)

    @rule(outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=12), has_copy=st.booleans())
    def deliver_several(self, outcomes: list[Outcome], has_copy: bool) -> None:
        for at, outcome in enumerate(outcomes):
            self.run.deliver(at, outcome, has_copy)

    @rule(
        at=some, outcome=st.sampled_from(OUTCOMES), has_copy=st.booleans(), again=st.booleans(), during_call=meanwhiles
    )
    def deliver(self, at: int, outcome: Outcome, has_copy: bool, again: bool, during_call: DuringCall) -> None:
        self.run.deliver(at, outcome, has_copy, again=again, during_call=during_call)

    @rule(at=some, outcome=st.sampled_from(OUTCOMES), during_call=meanwhiles, point=crashes)
    def deliver_to_one_that_dies(self, at: int, outcome: Outcome, during_call: DuringCall, point: FaultPoint) -> None:
        self.run.deliver(at, outcome, has_copy=True, during_call=during_call, point=point)

    @rule(outcome=st.sampled_from(OUTCOMES))
    def die_right_after_the_call(self, outcome: Outcome) -> None:
        self.run.deliver(0, outcome, has_copy=True, during_call=DEATH)

    @rule(at=some)
    def lose(self, at: int) -> None:
        self.run.lose(at)

    @rule(call=some, recipient=some, kind=st.sampled_from(EVENTS), point=points)
    def report(self, call: int, recipient: int, kind: Kind, point: FaultPoint) -> None:
        self.run.report(call, recipient, kind, point)

    @rule(call=some, recipient=some, kinds=st.lists(st.sampled_from(EVENTS), min_size=2, max_size=4))
    def contradict(self, call: int, recipient: int, kinds: list[Kind]) -> None:
        for kind in kinds:
            self.run.report(call, recipient, kind)
            self.run.check()

    @rule(number=some, point=points)
    def report_again(self, number: int, point: FaultPoint) -> None:
        self.run.report_again(number, point)

    @rule(seconds=st.sampled_from([5, 10, 31, 31, 61, 61, 300, 905]), lost=st.sampled_from([0, 0, 2, 3]))
    def wait_and_sweep(self, seconds: float, lost: int) -> None:
        self.run.clock.advance(seconds)
        self.run.sweep(lost, maintains=seconds >= 300)

    @rule(number=some, point=points)
    def cancel(self, number: int, point: FaultPoint) -> None:
        self.run.cancel(number, point)

    @rule(provider=providers, pauses=st.booleans())
    def pause_or_resume(self, provider: str, pauses: bool) -> None:
        (self.run.pause if pauses else self.run.resume)(provider)

    @rule(provider=providers, silent=st.booleans())
    def silence(self, provider: str, silent: bool) -> None:
        self.run.silence(provider, silent=silent)

    @rule(person=st.sampled_from(PEOPLE), suppressed=st.booleans())
    def suppress_or_lift(self, person: Mailbox, suppressed: bool) -> None:
        (self.run.suppress if suppressed else self.run.lift)(person.key)

    @invariant()
    def the_guarantees_hold(self) -> None:
        self.run.check()

    def teardown(self) -> None:
        self.run.settle_everything()
        RandomRuns.sent += len(self.run.emails)
        RandomRuns.repeated += sum(attempt.repeats > 0 for head in self.run.heads() for attempt in head.attempts)


@pytest.mark.no_cover  # traced, it takes three times as long
@pytest.mark.timeout(600 + EMAILS)  # a failure is made small first, which takes minutes
def test_no_email_is_lost_stuck_or_sent_twice_under_fire(store: Aws) -> None:
    number = int(os.environ.get("SEED") or FIXED_SEED)
    print(f"repeat with: make fire SEED={number} EMAILS={EMAILS}")  # noqa: T201 because pytest shows it when it fails
    limits = settings(
        max_examples=-(-EMAILS // EMAILS_A_RUN),
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=True,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    RandomRuns.aws, RandomRuns.sent, RandomRuns.repeated = store, 0, 0
    seed(number)(get_state_machine_test(RandomRuns, settings=limits))()
    assert RandomRuns.sent >= EMAILS
    assert RandomRuns.repeated > EMAILS / 100
