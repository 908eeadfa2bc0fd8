"""The state table, cell by cell, and the evidence that makes a signal void."""

from itertools import product

import pytest

from app.domain.email import OnUncertain, Role
from app.domain.head import Evidence, Recipient, Status
from app.domain.kinds import Cause, Kind
from app.domain.resolution import Signal, UncertainPolicy, apply_signal, next_status, phase, row_for, stop_trying
from app.domain.states import TABLE, Phase, Row, Transition

# The table as it was decided, written by hand. A dot means `stay`; `+` means that the address is suppressed as well.
TRANSITIONS = {
    "": Transition.STAY,
    ".": Transition.STAY,
    "S": Transition.SENT,
    "D": Transition.DELIVERED,
    "R": Transition.RETRY,
    "?": Transition.UNCERTAIN,
    "E": Transition.RECIPIENT_FAULT,
    "B": Transition.RETURNED,
    "C": Transition.COMPLAINED,
}
KINDS = {
    "acc": Kind.ACCEPTED,
    "una": Kind.UNAVAILABLE,
    "thr": Kind.THROTTLED,
    "ref": Kind.REFUSED,
    "und": Kind.UNDELIVERABLE,
    "unc": Kind.UNCERTAIN,
    "dly": Kind.DELAYED,
    "del": Kind.DELIVERED,
    "har": Kind.HARD_BOUNCE,
    "box": Kind.MAILBOX_CONDITION,
    "soft": Kind.SOFT_BOUNCE,
    "blo": Kind.BLOCKED,
    "dro": Kind.DROPPED,
    "vir": Kind.VIRUS,
    "sup": Kind.SUPPRESSED,
    "com": Kind.COMPLAINED,
    "uns": Kind.UNSUBSCRIBED,
    "res": Kind.RESUBSCRIBED,
    "ope": Kind.OPENED,
    "cli": Kind.CLICKED,
    "unk": Kind.UNKNOWN,
}
CURRENT = """
phase             acc una thr ref und unc dly del har box soft blo dro vir sup com uns res ope cli unk
scheduled         .   .   .   .   .   .   .   .   .   .   .   .   .   .   .   .   .   .   .   .   .
queued            S   .   .   .   E+  .   S   D   E+  E   .   .   .   .   E+  C+  S+  S   S   S   S
waiting           S   .   .   .   E+  .   S   D   E+  E   .   .   .   .   E+  C+  S+  S   S   S   S
sending           S   R   R   R   E+  ?   S   D   E+  E   R   R   R   R   E+  C+  S+  S   S   S   S
awaiting_evidence S   R   R   R   E+  .   S   D   E+  E   R   R   R   R   E+  C+  S+  S   S   S   S
sent              .   .   .   .   E+  .   .   D   E+  E   R   R   R   R   E+  C+  +   .   .   .   .
delivered         .   .   .   .   .   .   .   .   B+  B   B   B   B   B   .   C+  +   .   .   .   .
bounced           .   .   .   .   +   .   .   D   +   .   .   .   .   .   +   C+  +   .   .   .   .
suppressed        .   .   .   .   +   .   .   D   +   .   .   .   .   .   +   C+  +   .   .   .   .
complained        .   .   .   .   .   .   .   .   .   .   .   .   .   .   .   +   +   .   .   .   .
failed            S   .   .   .   +   .   S   D   +   .   .   .   .   .   +   C+  S+  S   S   S   S
expired           S   .   .   .   +   .   S   D   +   .   .   .   .   .   +   C+  S+  S   S   S   S
canceled          S   .   .   .   +   .   S   D   +   .   .   .   .   .   +   C+  S+  S   S   S   S
"""
# Where the plan tells an older attempt from the current one; elsewhere it is the same.
OLDER = """
phase             acc una thr ref und unc dly del har box soft blo dro vir sup com uns res ope cli unk
sending           .   .   .   .   +   .   .   D   +   .   .   .   .   .   +   C+  +   .   .   .   .
awaiting_evidence S   .   .   .   +   .   S   D   +   .   .   .   .   .   +   C+  S+  S   S   S   S
sent              .   .   .   .   +   .   .   D   +   .   .   .   .   .   +   C+  +   .   .   .   .
"""


def _grid(text: str) -> dict[tuple[str, str], str]:
    (_, *columns), *rows = [line.split() for line in text.split("\n") if line]
    kinds = [KINDS[column] for column in columns]
    return {(row[0], kind.value): cell for row in rows for kind, cell in zip(kinds, row[1:], strict=True)}


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
    assert TABLE[key] == Row(TRANSITIONS[cell.rstrip("+")], suppress=cell.endswith("+"))


def test_everything_else_stays() -> None:
    rest = [(Phase(p), Kind(k), current) for (p, k, current), cell in GOLDEN.items() if cell == "."]
    assert {key for key in rest if TABLE[key] != Row()} == set()
    assert len(rest) > 200


# --- Applying a signal ------------------------------------------------------------------------------------------------


def somebody(at: str, attempt: int = 1, /, **evidence: set[Evidence]) -> Recipient:
    """A recipient in that phase, at that attempt; `_1={Evidence.ACCEPTED}` is the evidence of attempt 1."""
    wait_ms = 5_000 if at in ("waiting", "awaiting_evidence") else None
    status = {"waiting": Status.QUEUED, "awaiting_evidence": Status.SENDING}.get(at) or Status(at)
    known = {int(name[1:]): frozenset(of) for name, of in evidence.items()}
    return Recipient("ann@example.net", Role.TO, status=status, attempt=attempt, wait_until_ms=wait_ms, evidence=known)


def after(recipient: Recipient, *signals: tuple[int, Kind], policy: OnUncertain = OnUncertain.WAIT) -> Recipient:
    for attempt, kind in signals:
        recipient = apply_signal(
            recipient, Signal(attempt, "ab"[attempt % 2], kind, Cause.UNKNOWN, "why"), UncertainPolicy(policy, 60_000)
        )
    return recipient


@pytest.mark.parametrize("at", [p.value for p in Phase])
def test_a_phase_is_a_status_told_apart_by_its_wait(at: str) -> None:
    assert phase(somebody(at)).value == at
    assert row_for(somebody(at), Signal(1, "a", Kind.DELIVERED)) == TABLE[Phase(at), Kind.DELIVERED, True]
    assert row_for(somebody(at, 2), Signal(1, "a", Kind.HARD_BOUNCE)) == TABLE[Phase(at), Kind.HARD_BOUNCE, False]


# That the provider has the email.
PROOFS = (
    *(Kind.ACCEPTED, Kind.DELAYED, Kind.UNKNOWN, Kind.UNSUBSCRIBED, Kind.RESUBSCRIBED),
    *(Kind.OPENED, Kind.CLICKED),
)
OUTWEIGHS = (Evidence.HARD_BOUNCE, Evidence.MAILBOX_CONDITION, Evidence.SUPPRESSED, Evidence.RETURNED)
# What is known of attempt 1 and makes its news void: (phase, news, known, what it came to without that knowledge).
BARS = [
    *[("queued", kind, known, Status.SENT) for kind in PROOFS for known in (Evidence.FAILED, Evidence.SILENT)],
    *[
        ("bounced", Kind.DELIVERED, evidence, Status.DELIVERED)
        for evidence in OUTWEIGHS
    ],
    *[
        ("bounced", Kind.COMPLAINED, evidence, Status.COMPLAINED)
        for evidence in OUTWEIGHS
    ],
    *[
        ("delivered", kind, Evidence.FAILED, Status.BOUNCED) for kind in (Kind.SOFT_BOUNCE, Kind.BLOCKED, Kind.DROPPED)
    ],
    ("delivered", Kind.HARD_BOUNCE, Evidence.HARD_BOUNCE, Status.BOUNCED),
    ("delivered", Kind.MAILBOX_CONDITION, Evidence.MAILBOX_CONDITION, Status.BOUNCED),
]  # fmt: skip


@pytest.mark.parametrize(("at", "kind", "known", "otherwise"), BARS)
def test_what_is_known_of_an_attempt_makes_news_void(at: str, kind: Kind, known: Evidence, otherwise: Status) -> None:
    barred = somebody(at, _1={known})
    assert (after(barred, (1, kind)).status, after(barred, (1, kind)).attempt) == (barred.status, 1)
    assert after(somebody(at), (1, kind)).status is otherwise
    assert after(somebody(at, _2={known}), (1, kind)).status is otherwise  # known of another attempt: no bar


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.SOFT_BOUNCE, Kind.DROPPED, Kind.VIRUS])
@pytest.mark.parametrize("at", ["sent", "sending", "awaiting_evidence"])
def test_a_failed_status_puts_the_recipient_back_on_the_queue(at: str, kind: Kind) -> None:
    back = after(somebody(at), (1, kind))
    assert (back.status, back.wait_until_ms, back.cause, back.detail) == (Status.QUEUED, None, Cause.UNKNOWN, "why")
    assert row_for(somebody(at), Signal(1, "a", kind)).suppress is False


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        (Kind.HARD_BOUNCE, Status.BOUNCED),
        (Kind.MAILBOX_CONDITION, Status.BOUNCED),
        (Kind.UNDELIVERABLE, Status.BOUNCED),
        (Kind.SUPPRESSED, Status.SUPPRESSED),
    ],
)
@pytest.mark.parametrize(
    ("at", "attempt"),
    [("queued", 1), ("queued", 2), ("waiting", 2), ("sending", 1), ("awaiting_evidence", 1), ("sent", 1)],
)
def test_a_recipient_at_fault_ends(at: str, attempt: int, kind: Kind, end: Status) -> None:
    ended = after(somebody(at, attempt), (1, kind))
    assert (ended.status, ended.wait_until_ms, ended.detail) == (end, None, "why")
    assert row_for(somebody(at, attempt), Signal(1, "a", kind)).suppress is (kind is not Kind.MAILBOX_CONDITION)


@pytest.mark.parametrize(
    "at", ["queued", "waiting", "sending", "awaiting_evidence", "sent", "failed", "expired", "canceled"]
)
@pytest.mark.parametrize("attempt", [1, 2])
def test_delivered_is_delivered_whichever_attempt(at: str, attempt: int) -> None:
    got = after(somebody(at, 2), (attempt, Kind.DELIVERED))
    assert (got.status, got.attempt, got.wait_until_ms) == (Status.DELIVERED, attempt, None)


@pytest.mark.parametrize("at", ["queued", "waiting", "awaiting_evidence", "failed", "expired", "canceled"])
def test_accepted_stops_what_only_waits_unless_that_attempt_has_reported_a_failure(at: str) -> None:
    assert after(somebody(at, 2), (1, Kind.ACCEPTED)).status is Status.SENT
    assert after(somebody(at, 2, _1={Evidence.FAILED}), (1, Kind.ACCEPTED)).status is somebody(at).status


@pytest.mark.parametrize(
    "kind", [Kind.SOFT_BOUNCE, Kind.BLOCKED, Kind.DROPPED, Kind.MAILBOX_CONDITION, Kind.HARD_BOUNCE]
)
def test_the_host_said_yes_then_no(kind: Kind) -> None:
    returned = after(somebody("sent"), (1, Kind.DELIVERED), (1, kind))
    assert (returned.status, returned.detail) == (Status.BOUNCED, "why")
    assert after(returned, (1, Kind.DELIVERED)) == returned  # its own receipt, once more
    assert after(returned, (2, Kind.DELIVERED)).status is Status.DELIVERED
    two_copies = after(somebody("sent", 2), (1, Kind.DELIVERED), (2, Kind.DELIVERED), (1, kind))
    assert (two_copies.status, two_copies.attempt) == (Status.DELIVERED, 2)


@pytest.mark.parametrize("kind", [Kind.SOFT_BOUNCE, Kind.BLOCKED, Kind.DROPPED])
def test_a_failure_that_comes_again_after_the_receipt_does_not_deny_it(kind: Kind) -> None:
    healed = after(somebody("sent"), (1, kind), (1, Kind.DELIVERED))
    assert healed.status is Status.DELIVERED
    assert after(healed, (1, kind)) == healed


@pytest.mark.parametrize("kind", [Kind.HARD_BOUNCE, Kind.MAILBOX_CONDITION])
def test_what_an_older_attempt_found_wrong_with_the_mailbox_forbids_every_further_claim_only(kind: Kind) -> None:
    live = after(somebody("sending", 2), (1, kind))
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
    assert after(live, (1, Kind.SOFT_BOUNCE), (2, Kind.BLOCKED)).status is Status.QUEUED


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
    sent = after(somebody("sending", 2), (1, Kind.DELAYED), (2, Kind.UNCERTAIN), policy=policy)
    assert (sent.status, sent.attempt, sent.wait_until_ms) == (Status.SENT, 1, None)


@pytest.mark.parametrize("kind", PROOFS)
def test_any_event_is_evidence_whether_it_comes_before_or_after_our_own_doubt(kind: Kind) -> None:
    assert after(somebody("sending"), (1, kind), (1, Kind.UNCERTAIN)).status is Status.SENT
    assert after(somebody("sending"), (1, Kind.UNCERTAIN), (1, kind)).status is Status.SENT


@pytest.mark.parametrize("kind", [Kind.UNAVAILABLE, Kind.THROTTLED, Kind.REFUSED])
def test_an_event_outweighs_what_we_concluded_from_a_failed_call(kind: Kind) -> None:
    proved = after(somebody("sending"), (1, Kind.ACCEPTED), (1, kind))
    assert (proved.status, proved.evidence) == (Status.SENT, {1: frozenset({Evidence.ACCEPTED})})
    assert after(somebody("sending"), (1, kind), (1, Kind.ACCEPTED)).status is Status.SENT


@pytest.mark.parametrize(("kind", "passing"), [(Kind.UNAVAILABLE, True), (Kind.THROTTLED, True), (Kind.REFUSED, False)])
def test_a_passing_failure_is_marked_at_the_provider(kind: Kind, *, passing: bool) -> None:
    assert after(somebody("sending"), (1, kind)).tried == ({"b": True} if passing else {})


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("at", ["delivered", "complained"])
def test_nothing_leaves_delivered_or_complained_for_the_queue(at: str, kind: Kind) -> None:
    for attempt in (1, 2):
        known = somebody(at, 2, _2={Evidence.ACCEPTED, Evidence.DELIVERED})
        assert after(known, (attempt, kind)).status in (Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED)
    assert after(somebody("complained"), (1, kind)).status is Status.COMPLAINED


def test_requeue_without_any_knowledge_is_the_queue() -> None:
    assert next_status(somebody("awaiting_evidence")) == somebody("queued")


@pytest.mark.parametrize("at", ["canceled", "expired", "failed"])
@pytest.mark.parametrize("failure", [Kind.HARD_BOUNCE, Kind.MAILBOX_CONDITION, Kind.UNDELIVERABLE, Kind.SUPPRESSED])
@pytest.mark.parametrize("late", [Kind.ACCEPTED, Kind.DELAYED])
def test_an_ended_recipient_that_is_reported_dead_stays_ended_when_a_late_acceptance_comes(
    at: str, failure: Kind, late: Kind
) -> None:
    dead = after(somebody(at), (1, failure))
    assert dead.status is somebody(at).status
    assert after(dead, (1, late)).status is dead.status
    assert after(dead, (2, late)).status is Status.SENT  # of another attempt's copy nothing bad is known


@pytest.mark.parametrize("seen", [Kind.OPENED, Kind.CLICKED])
@pytest.mark.parametrize(
    ("bounce", "end"),
    [
        (Kind.SOFT_BOUNCE, Status.QUEUED),
        (Kind.BLOCKED, Status.QUEUED),
        (Kind.DROPPED, Status.QUEUED),
        (Kind.MAILBOX_CONDITION, Status.BOUNCED),
        (Kind.HARD_BOUNCE, Status.BOUNCED),
    ],
)
def test_what_a_gateway_looked_at_may_still_be_refused(seen: Kind, bounce: Kind, end: Status) -> None:
    opened = after(somebody("sent"), (1, seen))
    assert (opened.status, set(opened.evidence[1])) == (Status.SENT, {Evidence.ACCEPTED, Evidence.OPENED})
    refused = after(opened, (1, bounce))
    assert refused.status is end
    assert after(refused, (1, seen)) == refused  # the look comes again


@pytest.mark.parametrize("seen", [Kind.OPENED, Kind.CLICKED])
@pytest.mark.parametrize("bounce", [Kind.SOFT_BOUNCE, Kind.BLOCKED, Kind.DROPPED, Kind.HARD_BOUNCE])
@pytest.mark.parametrize("first", [True, False])
def test_after_a_delivery_a_return_is_a_bounce_whenever_it_was_looked_at(seen: Kind, bounce: Kind, first: bool) -> None:
    signals = [(1, seen), (1, Kind.DELIVERED)] if first else [(1, Kind.DELIVERED), (1, seen)]
    delivered = after(somebody("sent"), *signals)
    assert delivered.status is Status.DELIVERED
    assert after(delivered, (1, bounce)).status is Status.BOUNCED


@pytest.mark.parametrize("seen", [Kind.OPENED, Kind.CLICKED])
@pytest.mark.parametrize("current", [True, False])
def test_a_look_proves_what_an_acceptance_proves(seen: Kind, current: bool) -> None:
    for at in Phase:
        assert TABLE[at, seen, current] == TABLE[at, Kind.ACCEPTED, current]


def test_of_two_live_copies_the_newest_counts_when_a_third_fails() -> None:
    third = somebody("sending", 3, _1={Evidence.ACCEPTED}, _2={Evidence.ACCEPTED})
    refused = after(third, (3, Kind.REFUSED))
    assert (refused.status, refused.attempt) == (Status.SENT, 2)


@pytest.mark.parametrize("end", [Status.FAILED, Status.CANCELED, Status.EXPIRED, Status.SUPPRESSED])
def test_of_two_copies_at_silent_providers_the_newest_counts_when_no_provider_is_left(end: Status) -> None:
    silent = {Evidence.ACCEPTED, Evidence.SILENT}
    ended = stop_trying(somebody("queued", 3, _1=silent, _2=silent), end)
    assert (ended.status, ended.attempt) == (Status.SENT, 2)


def test_of_two_other_delivered_copies_the_newest_counts_when_one_is_returned() -> None:
    got = {Evidence.ACCEPTED, Evidence.DELIVERED}
    returned = after(somebody("delivered", 3, _1=got, _2=got, _3=got), (3, Kind.SOFT_BOUNCE))
    assert (returned.status, returned.attempt) == (Status.DELIVERED, 2)
