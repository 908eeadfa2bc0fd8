"""The state table, cell by cell, and the facts that make a cell void."""

from itertools import product

import pytest

from app.domain.aftermath import requeue
from app.domain.email import OnUncertain, Role
from app.domain.head import Fact, Recipient, Status
from app.domain.kinds import Cause, Kind
from app.domain.transitions import TABLE, Doubt, News, Phase, Rule, Verdict, fold, phase, rule

# What the plan says, written down by hand. A dot stays; `+` suppresses the recipient from now on.
VERDICTS = {
    "": Verdict.STAY,
    ".": Verdict.STAY,
    "S": Verdict.SENT,
    "D": Verdict.DELIVERED,
    "R": Verdict.RETRY,
    "?": Verdict.DOUBT,
    "E": Verdict.END,
    "B": Verdict.RETURN,
    "C": Verdict.COMPLAINED,
}
ABBREVIATED = "acc una thr ref und unc def del dea bou blo dro sup com uns eng unk"
KINDS = [next(kind for kind in Kind if kind.startswith(short)) for short in ABBREVIATED.split()]
#            acc una thr ref und unc def del dea  bou blo dro sup com uns eng unk
CURRENT = """
queued       S   .   .   .   E+  .   S   D   E+   .   .   .   E+  C+  +   D   .
waiting      S   .   .   .   E+  .   S   D   E+   .   .   .   E+  C+  +   D   .
sending      S   R   R   R   E+  ?   S   D   E+   R   R   R   E+  C+  S+  D   S
unsure       S   R   R   R   E+  .   S   D   E+   R   R   R   E+  C+  S+  D   S
sent         .   .   .   .   E+  .   .   D   E+   R   R   R   E+  C+  +   D   .
delivered    .   .   .   .   .   .   .   .   B+   B   .   .   .   C+  +   .   .
bounced      .   .   .   .   +   .   .   D   +    .   .   .   +   C+  +   D   .
suppressed   .   .   .   .   +   .   .   D   +    .   .   .   +   C+  +   D   .
complained   .   .   .   .   .   .   .   .   .    .   .   .   .   +   +   .   .
failed       S   .   .   .   +   .   S   D   +    .   .   .   +   C+  +   D   .
expired      S   .   .   .   +   .   S   D   +    .   .   .   +   C+  +   D   .
canceled     S   .   .   .   +   .   S   D   +    .   .   .   +   C+  +   D   .
"""
# Where the plan tells an older attempt from the current one; elsewhere it is the same.
OLDER = """
sending      .   .   .   .   +   .   .   D   +    .   .   .   +   C+  +   D   .
unsure       S   .   .   .   +   .   S   D   +    .   .   .   +   C+  +   D   .
sent         .   .   .   .   +   .   .   D   +    .   .   .   +   C+  +   D   .
"""


def _grid(text: str) -> dict[tuple[str, str], str]:
    rows = [line.split() for line in text.split("\n") if line]
    return {(row[0], kind.value): cell for row in rows for kind, cell in zip(KINDS, row[1:], strict=True)}


GOLDEN = {
    **{(*key, which): cell for which in (True, False) for key, cell in _grid(CURRENT).items()},
    **{(*key, False): cell for key, cell in _grid(OLDER).items()},
}


def test_the_table_is_total() -> None:
    every = set(product(Phase, Kind, (True, False)))
    assert set(TABLE) == every
    assert set(GOLDEN) == {(p.value, k.value, current) for p, k, current in every}


@pytest.mark.parametrize(
    ("row", "cell"),
    [(row, cell) for row, cell in GOLDEN.items() if cell != "."],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else value,
)
def test_every_row_that_is_not_stay(row: tuple[str, str, bool], cell: str) -> None:
    key = (Phase(row[0]), Kind(row[1]), row[2])
    assert TABLE[key] == Rule(VERDICTS[cell.rstrip("+")], suppress=cell.endswith("+"))


def test_everything_else_stays() -> None:
    rest = [(Phase(p), Kind(k), current) for (p, k, current), cell in GOLDEN.items() if cell == "."]
    assert {key for key in rest if TABLE[key] != Rule()} == set()
    assert len(rest) > 200


# --- The fold ----------------------------------------------------------------------------------------------------


def somebody(at: str, attempt: int = 1, /, **facts: set[Fact]) -> Recipient:
    """A recipient in that phase at that attempt, of which is known: `_1={Fact.ACCEPTED}` of attempt 1, and so on."""
    wait_ms = 5_000 if at in ("waiting", "unsure") else None
    status = {"waiting": Status.QUEUED, "unsure": Status.SENDING}.get(at) or Status(at)
    known = {int(name[1:]): frozenset(of) for name, of in facts.items()}
    return Recipient("ann@example.net", Role.TO, status=status, attempt=attempt, wait_until_ms=wait_ms, facts=known)


def after(recipient: Recipient, *news: tuple[int, Kind], policy: OnUncertain = OnUncertain.WAIT) -> Recipient:
    for attempt, kind in news:
        recipient = fold(recipient, News(attempt, "ab"[attempt % 2], kind, Cause.UNKNOWN, "why"), Doubt(policy, 60_000))
    return recipient


@pytest.mark.parametrize("at", [p.value for p in Phase])
def test_a_phase_is_a_status_told_apart_by_its_wait(at: str) -> None:
    assert phase(somebody(at)).value == at
    assert rule(somebody(at), News(1, "a", Kind.DELIVERED)) == TABLE[Phase(at), Kind.DELIVERED, True]
    assert rule(somebody(at, 2), News(1, "a", Kind.DEAD)) == TABLE[Phase(at), Kind.DEAD, False]


# What is known of attempt 1 and makes its news void: (phase, news, known, what it came to without that knowledge).
BARS = [
    *[("queued", kind, Fact.FAILED, Status.SENT) for kind in (Kind.ACCEPTED, Kind.DEFERRED)],
    ("unsure", Kind.UNKNOWN, Fact.FAILED, Status.SENT),
    *[
        ("bounced", kind, fact, Status.DELIVERED)
        for kind in (Kind.DELIVERED, Kind.ENGAGED)
        for fact in (Fact.DEAD, Fact.LISTED, Fact.RETURNED)
    ],
    *[
        ("bounced", Kind.COMPLAINED, fact, Status.COMPLAINED)
        for fact in (Fact.DEAD, Fact.LISTED, Fact.RETURNED)
    ],
    ("delivered", Kind.BOUNCED, Fact.FAILED, Status.BOUNCED),
    ("delivered", Kind.DEAD, Fact.DEAD, Status.BOUNCED),
]  # fmt: skip


@pytest.mark.parametrize(("at", "kind", "known", "otherwise"), BARS)
def test_what_is_known_of_an_attempt_makes_news_void(at: str, kind: Kind, known: Fact, otherwise: Status) -> None:
    barred = somebody(at, _1={known})
    assert (after(barred, (1, kind)).status, after(barred, (1, kind)).attempt) == (barred.status, 1)
    assert after(somebody(at), (1, kind)).status is otherwise
    assert after(somebody(at, _2={known}), (1, kind)).status is otherwise  # known of another attempt: no bar


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.BOUNCED, Kind.DROPPED])
@pytest.mark.parametrize("at", ["sent", "sending", "unsure"])
def test_a_failed_status_puts_the_recipient_back_on_the_queue(at: str, kind: Kind) -> None:
    back = after(somebody(at), (1, kind))
    assert (back.status, back.wait_until_ms, back.cause, back.detail) == (Status.QUEUED, None, Cause.UNKNOWN, "why")
    assert rule(somebody(at), News(1, "a", kind)).suppress is False


@pytest.mark.parametrize(
    ("kind", "end"),
    [(Kind.DEAD, Status.BOUNCED), (Kind.UNDELIVERABLE, Status.BOUNCED), (Kind.SUPPRESSED, Status.SUPPRESSED)],
)
@pytest.mark.parametrize(
    ("at", "attempt"), [("queued", 1), ("queued", 2), ("waiting", 2), ("sending", 1), ("unsure", 1), ("sent", 1)]
)
def test_a_recipient_at_fault_ends(at: str, attempt: int, kind: Kind, end: Status) -> None:
    ended = after(somebody(at, attempt), (1, kind))
    assert (ended.status, ended.wait_until_ms, ended.detail) == (end, None, "why")
    assert rule(somebody(at, attempt), News(1, "a", kind)).suppress is True


@pytest.mark.parametrize("at", ["queued", "waiting", "sending", "unsure", "sent", "failed", "expired", "canceled"])
@pytest.mark.parametrize("kind", [Kind.DELIVERED, Kind.ENGAGED])
@pytest.mark.parametrize("attempt", [1, 2])
def test_delivered_is_delivered_whichever_attempt(at: str, kind: Kind, attempt: int) -> None:
    got = after(somebody(at, 2), (attempt, kind))
    assert (got.status, got.attempt, got.wait_until_ms) == (Status.DELIVERED, attempt, None)


@pytest.mark.parametrize("at", ["queued", "waiting", "unsure", "failed", "expired", "canceled"])
def test_accepted_stops_what_only_waits_unless_that_attempt_has_reported_a_failure(at: str) -> None:
    assert after(somebody(at, 2), (1, Kind.ACCEPTED)).status is Status.SENT
    assert after(somebody(at, 2, _1={Fact.FAILED}), (1, Kind.ACCEPTED)).status is somebody(at).status


@pytest.mark.parametrize("kind", [Kind.BOUNCED, Kind.DEAD])
def test_the_host_said_yes_then_no(kind: Kind) -> None:
    returned = after(somebody("sent"), (1, Kind.DELIVERED), (1, kind))
    assert (returned.status, returned.detail) == (Status.BOUNCED, "why")
    assert after(returned, (1, Kind.DELIVERED)) == returned  # its own receipt, once more
    assert after(returned, (2, Kind.DELIVERED)).status is Status.DELIVERED
    two_copies = after(somebody("sent", 2), (1, Kind.DELIVERED), (2, Kind.DELIVERED), (1, kind))
    assert (two_copies.status, two_copies.attempt) == (Status.DELIVERED, 2)


def test_a_soft_bounce_that_comes_again_after_the_receipt_does_not_deny_it() -> None:
    healed = after(somebody("sent"), (1, Kind.BOUNCED), (1, Kind.DELIVERED))
    assert healed.status is Status.DELIVERED
    assert after(healed, (1, Kind.BOUNCED)) == healed


def test_a_dead_mailbox_that_an_older_attempt_found_forbids_every_further_claim_only() -> None:
    live = after(somebody("sending", 2), (1, Kind.DEAD))
    assert live.status is Status.SENDING
    assert after(live, (2, Kind.ACCEPTED)).status is Status.SENT
    assert after(live, (2, Kind.UNAVAILABLE)).status is Status.BOUNCED
    listed = after(somebody("sending", 2), (1, Kind.SUPPRESSED))
    assert after(listed, (2, Kind.REFUSED)).status is Status.SUPPRESSED


def test_an_older_copy_that_is_known_to_be_accepted_counts_when_the_current_one_fails() -> None:
    live = after(somebody("sending", 2), (1, Kind.ACCEPTED))
    assert (live.status, live.attempt) == (Status.SENDING, 2)
    back = after(live, (2, Kind.BLOCKED))
    assert (back.status, back.attempt, back.cause, back.detail) == (Status.SENT, 1, None, "")
    assert after(live, (1, Kind.BOUNCED), (2, Kind.BLOCKED)).status is Status.QUEUED


@pytest.mark.parametrize(
    ("policy", "status"),
    [(OnUncertain.WAIT, Status.SENDING), (OnUncertain.FAIL, Status.SENDING), (OnUncertain.FAILOVER, Status.QUEUED)],
)
def test_uncertain_goes_by_on_uncertain(policy: OnUncertain, status: Status) -> None:
    unsure = after(somebody("sending"), (1, Kind.UNCERTAIN), policy=policy)
    assert (unsure.status, unsure.wait_until_ms) == (status, 60_000 if status is Status.SENDING else None)
    assert after(unsure, (1, Kind.UNCERTAIN), policy=policy) == unsure


@pytest.mark.parametrize("policy", OnUncertain)
def test_there_is_no_wait_for_evidence_when_another_copy_is_known_to_be_accepted(policy: OnUncertain) -> None:
    sent = after(somebody("sending", 2), (1, Kind.DEFERRED), (2, Kind.UNCERTAIN), policy=policy)
    assert (sent.status, sent.attempt, sent.wait_until_ms) == (Status.SENT, 1, None)


@pytest.mark.parametrize("kind", [Kind.UNKNOWN, Kind.DEFERRED, Kind.ACCEPTED])
def test_any_event_is_evidence_whether_it_comes_before_or_after_our_own_doubt(kind: Kind) -> None:
    assert after(somebody("sending"), (1, kind), (1, Kind.UNCERTAIN)).status is Status.SENT
    assert after(somebody("sending"), (1, Kind.UNCERTAIN), (1, kind)).status is Status.SENT


@pytest.mark.parametrize("kind", [Kind.UNAVAILABLE, Kind.THROTTLED, Kind.REFUSED])
def test_an_event_outweighs_what_we_concluded_from_a_failed_call(kind: Kind) -> None:
    proved = after(somebody("sending"), (1, Kind.ACCEPTED), (1, kind))
    assert (proved.status, proved.facts) == (Status.SENT, {1: frozenset({Fact.ACCEPTED})})
    assert after(somebody("sending"), (1, kind), (1, Kind.ACCEPTED)).status is Status.SENT


@pytest.mark.parametrize(("kind", "passing"), [(Kind.UNAVAILABLE, True), (Kind.THROTTLED, True), (Kind.REFUSED, False)])
def test_a_passing_failure_is_marked_at_the_provider(kind: Kind, *, passing: bool) -> None:
    assert after(somebody("sending"), (1, kind)).tried == ({"b": True} if passing else {})


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("at", ["delivered", "complained"])
def test_nothing_leaves_delivered_or_complained_for_the_queue(at: str, kind: Kind) -> None:
    for attempt in (1, 2):
        known = somebody(at, 2, _2={Fact.ACCEPTED, Fact.DELIVERED})
        assert after(known, (attempt, kind)).status in (Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED)
    assert after(somebody("complained"), (1, kind)).status is Status.COMPLAINED


def test_requeue_without_any_knowledge_is_the_queue() -> None:
    assert requeue(somebody("unsure")) == somebody("queued")
