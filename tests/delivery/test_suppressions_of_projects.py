"""Whose mail a suppression stops: a dead mailbox everybody's, a complaint or an unsubscribe that of one project."""

from dataclasses import replace
from typing import Any

import pytest

from app.domain.email import Mailbox
from app.domain.head import Status
from app.domain.kinds import EventKind, Kind
from app.domain.suppression import DAY_MS, Reason, Suppression
from app.store.head_items import PART, HeadItem
from tests.support.aws import Aws
from tests.support.harness import Harness
from tests.support.samples import an_email, somebody

BY_MAILBOX = (Kind.HARD_BOUNCE, Kind.SUPPRESSED)
BY_PERSON = (Kind.COMPLAINED, Kind.UNSUBSCRIBED)


def sent(harness: Harness, project: str, to: Mailbox) -> str:
    """An email of a project, after its attempt."""
    email_id = harness.accept(an_email(to), project=project, key=None).head.email_id
    harness.taken.add(email_id)
    harness.work()
    return email_id


def is_stopped(harness: Harness, project: str, to: Mailbox) -> bool:
    """Whether an email of the project is not sent. The 202, `explain` and the attempt must agree."""
    email = an_email(to)
    head = harness.accept(email, project=project, key=None).head
    harness.taken.add(head.email_id)
    harness.work()
    stopped = harness.only(head.email_id).status is Status.SUPPRESSED
    explained = harness.explain(email, "eml_dry", project).suppressed
    assert bool(head.suppressed) is bool(explained) is stopped
    return stopped


@pytest.mark.parametrize("kind", [*BY_MAILBOX, *BY_PERSON])
def test_what_is_reported_of_a_projects_email_stops_that_project_and_a_dead_mailbox_all(
    harness: Harness, kind: EventKind
) -> None:
    bob = somebody("bob")
    email_id = sent(harness, "shop", bob)
    harness.report(harness.event(email_id, kind))
    assert is_stopped(harness, "shop", bob)
    assert is_stopped(harness, "blog", bob) is (kind in BY_MAILBOX)
    assert is_stopped(harness, "default", bob) is (kind in BY_MAILBOX)


@pytest.mark.parametrize("owner", ["", "shop"])
def test_what_an_operator_adds_stops_the_project_that_was_named_or_all(harness: Harness, owner: str) -> None:
    bob, now_ms = somebody("bob"), harness.clock.now_ms
    harness.suppressions.put(Suppression(bob.key, Reason.MANUAL, "by phone", now_ms, now_ms + DAY_MS, owner))
    assert is_stopped(harness, "shop", bob)
    assert is_stopped(harness, "blog", bob) is (owner == "")


def test_a_lift_is_of_the_project_that_was_named_or_of_what_stops_all(harness: Harness) -> None:
    bob, now_ms = somebody("bob"), harness.clock.now_ms
    for owner in ("", "shop", "blog"):
        harness.suppressions.put(Suppression(bob.key, Reason.MANUAL, "by phone", now_ms, now_ms + DAY_MS, owner))
    harness.clock.advance(1)
    assert harness.suppressions.lift(bob.key, harness.clock.now_ms)
    assert [is_stopped(harness, project, bob) for project in ("shop", "blog", "default")] == [True, True, False]
    assert harness.suppressions.lift(bob.key, harness.clock.now_ms, "shop")
    assert [is_stopped(harness, project, bob) for project in ("shop", "blog")] == [False, True]
    assert harness.suppressions.lift(bob.key, harness.clock.now_ms, "shop") is None


@pytest.mark.parametrize("kind", BY_PERSON)
def test_of_an_attempt_that_is_unknown_it_is_still_known_whose_email_it_was(harness: Harness, kind: EventKind) -> None:
    bob = somebody("bob")
    event = harness.event(sent(harness, "shop", bob), kind)
    harness.report(replace(event, attempt=9))
    assert is_stopped(harness, "shop", bob)
    assert not is_stopped(harness, "blog", bob)


@pytest.mark.parametrize("kind", BY_PERSON)
def test_of_an_email_that_is_gone_it_stops_every_project_that_it_may_have_been_of(
    harness: Harness, kind: EventKind
) -> None:
    bob = somebody("bob")
    email_id = sent(harness, "shop", bob)
    event = harness.event(email_id, kind)
    sent(harness, "blog", somebody())
    HeadItem(email_id, PART).delete()
    harness.report(event)
    assert is_stopped(harness, "shop", bob)
    assert is_stopped(harness, "blog", bob)


@pytest.fixture
def alone(aws: Aws, harness: Harness, monkeypatch: pytest.MonkeyPatch) -> Harness:
    """An installation in which there was never another project than `shop`."""
    partitions: Any = harness.partitions
    known = partitions.known()
    monkeypatch.setattr(partitions, "known", lambda: replace(known, projects=frozenset({"shop"})))
    return harness


def test_with_one_project_only_what_is_reported_late_is_its_own_and_may_be_taken_back(alone: Harness) -> None:
    bob = somebody("bob")
    email_id = sent(alone, "shop", bob)
    left, back = alone.event(email_id, Kind.UNSUBSCRIBED), alone.event(email_id, Kind.RESUBSCRIBED)
    alone.report(left)
    HeadItem(email_id, PART).delete()
    assert alone.suppression(bob.key, "shop")
    assert not alone.suppression(bob.key, "another")
    alone.clock.advance(60)
    alone.report(replace(back, at_ms=alone.clock.now_ms))
    assert not alone.suppression(bob.key, "shop")


def test_a_resubscription_takes_back_what_stops_its_own_project_and_no_other(harness: Harness) -> None:
    bob, now_ms = somebody("bob"), harness.clock.now_ms
    email_id = sent(harness, "shop", bob)
    for owner in ("", "shop", "blog"):
        harness.suppressions.put(Suppression(bob.key, Reason.UNSUBSCRIBED, "by a link", now_ms, now_ms + DAY_MS, owner))
    harness.clock.advance(60)
    harness.report(harness.event(email_id, Kind.RESUBSCRIBED))
    assert [is_stopped(harness, project, bob) for project in ("shop", "blog", "default")] == [False, True, False]


def test_the_later_end_of_both_is_told(harness: Harness) -> None:
    bob, now_ms = somebody("bob"), harness.clock.now_ms
    for owner, days in (("", 1), ("shop", 5)):
        harness.suppressions.put(Suppression(bob.key, Reason.MANUAL, "by phone", now_ms, now_ms + days * DAY_MS, owner))
    found = harness.suppression(bob.key, "shop"), harness.suppression(bob.key, "blog")
    assert [each and each.until_ms for each in found] == [now_ms + 5 * DAY_MS, now_ms + DAY_MS]
