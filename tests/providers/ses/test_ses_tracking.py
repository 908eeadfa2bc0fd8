"""Tracking at SES: what a call says of it, and what it means if the role may not say it."""

import json
from dataclasses import replace
from typing import Any

import botocore.session
import httpx
import pytest
from botocore.validate import ParamValidator

from app.domain.email import Message, Tracking
from app.domain.kinds import Cause, Kind, OutcomeKind
from tests.providers.case import SAMPLE
from tests.providers.ses.case import make

TRACKED = [Tracking(opens=True), Tracking(clicks=True), Tracking(opens=True, clicks=True)]
RIGHT = "ses:ApplyTrackingConfigurationOverrides"
DENIED = f"User `arn:aws:sts::123456789012:assumed-role/mx/mx' is not authorized to perform `{RIGHT}'"
NO_SEND = "User `arn:aws:sts::123456789012:assumed-role/mx/mx' is not authorized to perform `ses:SendEmail'"
ON_IDENTITY = " on resource `arn:aws:ses:us-east-1:123456789012:identity/a.example'"


def call(message: Message) -> Any:
    return json.loads(make().build(message).content)


@pytest.mark.parametrize(
    ("tracking", "opens", "clicks"),
    [
        (Tracking(), "DISABLED", "DISABLED"),
        (Tracking(opens=True), "ENABLED", "DISABLED"),
        (Tracking(clicks=True), "DISABLED", "ENABLED"),
        (Tracking(opens=True, clicks=True), "ENABLED", "ENABLED"),
    ],
)
def test_every_call_says_both(tracking: Tracking, opens: str, clicks: str) -> None:
    assert call(replace(SAMPLE, tracking=tracking))["ConfigurationOverrides"] == {
        "Tracking": {"OpenTrackingEnabled": opens, "ClickTrackingEnabled": clicks}
    }


@pytest.mark.parametrize("tracking", [Tracking(), *TRACKED])
def test_a_call_fits_the_model_of_the_api_that_is_locked(tracking: Tracking) -> None:
    model: Any = botocore.session.get_session().get_service_model("sesv2").operation_model("SendEmail").input_shape
    report = ParamValidator().validate(call(replace(SAMPLE, tracking=tracking)), model)
    assert report.generate_report() == ""
    told = model.members["ConfigurationOverrides"].members["Tracking"].members
    assert all(set(member.enum) == {"ENABLED", "DISABLED"} for member in told.values())


def outcome(words: str, tracking: Tracking) -> tuple[OutcomeKind, Cause | None, bool]:
    """What it comes to if SES denies a call with this tracking in these words."""
    answer = httpx.Response(
        403,
        json={"message": words},
        headers={"x-amzn-ErrorType": "AccessDeniedException"},
        request=make().build(replace(SAMPLE, tracking=tracking)),
    )
    found = make().read(answer)
    assert found.reply.startswith("AccessDeniedException: User `arn:aws:sts::123456789012:assumed-role/mx/mx'")
    return found.kind, found.cause, found.is_about_sender


@pytest.mark.parametrize("words", [DENIED, DENIED.lower().replace("user `arn", "User `arn"), DENIED + ON_IDENTITY])
def test_a_role_that_may_not_say_it_can_send_nothing(words: str) -> None:
    assert outcome(words, Tracking()) == (Kind.UNAVAILABLE, Cause.ACCOUNT, False)


@pytest.mark.parametrize("words", [DENIED, DENIED.lower().replace("user `arn", "User `arn"), DENIED + ON_IDENTITY])
@pytest.mark.parametrize("tracking", TRACKED)
def test_a_role_that_may_only_switch_it_off_refuses_this_email_alone(words: str, tracking: Tracking) -> None:
    assert outcome(words, tracking) == (Kind.REFUSED, Cause.ACCOUNT, False)


@pytest.mark.parametrize("tracking", TRACKED)
def test_a_role_that_may_not_send_is_no_matter_of_tracking(tracking: Tracking) -> None:
    assert outcome(NO_SEND, tracking) == (Kind.UNAVAILABLE, Cause.ACCOUNT, False)
    assert outcome(NO_SEND + ON_IDENTITY, tracking) == (Kind.UNAVAILABLE, Cause.ACCOUNT, True)


def test_another_error_that_names_the_right_keeps_its_meaning() -> None:
    answer = httpx.Response(
        400,
        json={"message": RIGHT},
        headers={"x-amzn-ErrorType": "SendingPausedException"},
        request=make().build(replace(SAMPLE, tracking=TRACKED[0])),
    )
    assert make().read(answer).kind is Kind.UNAVAILABLE
