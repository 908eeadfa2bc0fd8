import pytest

from app.providers.sdk.bounces import enhanced, is_dead, is_policy


@pytest.mark.parametrize("status", ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", " 5.1.1 "])
def test_a_status_of_a_dead_mailbox_is_enough(status: str) -> None:
    assert is_dead(status, "")
    assert is_dead("", f"550-{status.strip()} The account does not exist")
    assert is_dead("550", f"550 {status.strip()}.")


@pytest.mark.parametrize("status", ["5.1.4", "5.1.7", "5.1.8", "5.1.11", "5.2.1", "5.2.2", "5.4.1", "5.7.1", "4.1.1"])
def test_any_other_status_is_not_whatever_the_words(status: str) -> None:
    assert not is_dead(status, "550 5.1.1 user unknown")


@pytest.mark.parametrize(
    "text",
    [
        "550 User unknown",
        "550 Unknown user: bo@example.com",
        "No such user here",
        "mailbox not found",
        "The recipient does not exist",
        "invalid mailbox",
        "550 Requested action not taken: user is unknown",
    ],
)
@pytest.mark.parametrize("status", ["", "550", "5.0.0", "5.1.0"])
def test_the_words_decide_where_the_status_says_nothing(status: str, text: str) -> None:
    assert is_dead(status, text)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("", ""),
        ("", "mailbox full"),
        ("", "550 mailbox unavailable"),
        ("", "450 user unknown, try later"),
        ("450", "user unknown"),
        ("", "550 Sender address rejected: user unknown"),
        ("", "the host 5.1.1.7 is blocked"),
        ("", "15.1.1 is a version"),
        ("", "message 25.1.10 of the log"),
        ("", "550 spam"),
        ("5.1", "no"),
    ],
)
def test_in_doubt_nobody_is_dead(status: str, text: str) -> None:
    assert not is_dead(status, text)


def test_policy_is_a_status_of_its_own() -> None:
    assert is_policy("5.7.1", "")
    assert is_policy("", "554 5.7.26 unauthenticated mail")
    assert not is_policy("5.1.1", "554 5.7.1")
    assert not is_policy("", "spam")


def test_the_status_goes_before_the_text() -> None:
    assert enhanced("5.2.2", "5.1.1") == "5.2.2"
    assert enhanced("none", "550 5.1.1 and 5.7.1") == "5.1.1"
    assert enhanced("", "nothing") == ""
