"""Emails that have failed, and their retries."""

from typing import Any

import pytest

from app.domain.head import Head, Status
from app.domain.kinds import Cause
from app.domain.retry import Again
from app.errors import Conflict
from tests.support.harness import PROVIDERS, UNCERTAIN_WAIT_S, Harness
from tests.support.outcomes import REFUSED, UNCERTAIN
from tests.support.samples import an_email

ALLOWED = Again(allow_second_copy=True)


def failed(harness: Harness, *to: Any, key: str | None = None, **fields: object) -> str:
    """An email that every provider has refused."""
    for provider in PROVIDERS:
        harness.send.plan(provider, *[REFUSED] * 8)
    email_id = harness.take(an_email(*to, **fields), key)
    harness.work()
    assert {recipient.status for recipient in harness.head(email_id).recipients.values()} == {Status.FAILED}
    for provider in PROVIDERS:
        harness.send.plan(provider)
    return email_id


def of_unknown_outcome(harness: Harness, **fields: object) -> str:
    """An email that has failed because nobody knows what became of its calls."""
    for provider in PROVIDERS:
        harness.send.plan(provider, *[UNCERTAIN] * 8)
    email_id = harness.take(an_email(**fields))
    harness.work()
    for _ in range(4):
        harness.later(UNCERTAIN_WAIT_S)
    assert (harness.only(email_id).status, harness.only(email_id).cause) == (Status.FAILED, Cause.UNKNOWN)
    for provider in PROVIDERS:
        harness.send.plan(provider)
    return email_id


def again(harness: Harness, email_id: str, asked: Again = Again(), project: str | None = "team") -> Head:  # noqa: B008 because it is immutable
    return harness.retry(email_id, project, asked)


def refused(harness: Harness, email_id: str, asked: Again = Again()) -> str:  # noqa: B008 because it is immutable
    """Why it is not retried. Nothing of it has changed."""
    before, calls = harness.head(email_id), len(harness.send.calls)
    with pytest.raises(Conflict) as refusal:
        again(harness, email_id, asked)
    harness.work()
    assert (harness.head(email_id), len(harness.send.calls)) == (before, calls)
    return refusal.value.detail
