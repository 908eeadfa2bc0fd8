"""Which words of a drop speak of our account. The providers' own tests say which of their events are read so."""

import pytest

from app.domain.kinds import Cause, Kind
from app.providers.sdk import drops


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("reached_daily_quota", Cause.LIMIT),
        ("Recipient List over Package Quota", Cause.LIMIT),
        ("Maximum credits exceeded", Cause.LIMIT),
        ("recipient limit exceeded, try again after Mon, 25 Aug 2025 07:00:31 UTC", Cause.LIMIT),
        ("Sending rate limit exceeded", Cause.THROTTLE),
        ("rate_limit_exceeded", Cause.THROTTLE),
        ("The message was throttled", Cause.THROTTLE),
        ("Your account is under review", Cause.ACCOUNT),
        ("Domain mg.example.com is not allowed to send: free accounts", Cause.ACCOUNT),
        ("Account suspended", Cause.ACCOUNT),
        ("Sending paused for this account", Cause.ACCOUNT),
        ("Please activate your Mailgun account", Cause.ACCOUNT),
        ("Domain mg.example.com is disabled", Cause.ACCOUNT),
        ("Account on hold", Cause.ACCOUNT),
        ("account_blocked", Cause.ACCOUNT),
        ("Your account has been temporarily disabled", Cause.ACCOUNT),
        ("Sending is disabled for this account", Cause.ACCOUNT),
        ("Your trial has expired", Cause.ACCOUNT),
        ("Payment failed", Cause.ACCOUNT),
        ("You have exceeded your monthly limit", Cause.LIMIT),
        ("daily_limit_reached", Cause.LIMIT),
        ("Over the hourly sending allowance", Cause.LIMIT),
        ("Rate exceeded", Cause.THROTTLE),
        ("Too many messages", Cause.THROTTLE),
        ("Too many requests", Cause.THROTTLE),
        ("You are sending too fast", Cause.THROTTLE),
        ("Exceeded the sending rate", Cause.THROTTLE),
        ("Limit reached", Cause.LIMIT),
        ("Monthly messaging limit", Cause.LIMIT),
        ("Over its sending limit", Cause.LIMIT),
        ("account is_under_review", Cause.ACCOUNT),
        ("Suspension in effect", Cause.ACCOUNT),
        ("Account disabled", Cause.ACCOUNT),
        ("The account is disabled", Cause.ACCOUNT),
        ("The account has been disabled", Cause.ACCOUNT),
        ("Sender deactivated", Cause.ACCOUNT),
        ("Sending is paused", Cause.ACCOUNT),
        ("On probation", Cause.ACCOUNT),
        ("Payment required", Cause.ACCOUNT),
        ("Invoice past due", Cause.ACCOUNT),
    ],
)
def test_words_that_speak_of_us_say_what_it_is(words: str, cause: Cause) -> None:
    assert drops.meaning(words) == (Kind.DROPPED, cause)


@pytest.mark.parametrize(
    "words",
    [
        "Spam detected",
        "Bad content",
        "no such domain",
        "the mailbox is full",
        "mailbox quota exceeded",
        "The recipient's quota is used up",
        "Message size limit exceeded",
        "attachment blocked",
        "Recipient domain example.net is blocked",
        "",
    ],
)
def test_words_of_something_else_do_not(words: str) -> None:
    assert drops.meaning(words) == (Kind.DROPPED, Cause.UNKNOWN)
    assert drops.meaning(words, Cause.POLICY) == (Kind.DROPPED, Cause.POLICY)


def test_each_word_is_needed() -> None:
    # Of two words that stand for the same texts, one would say nothing.
    assert not [(one, other) for one in drops.WORDS for other in drops.WORDS if one != other and one in other]
