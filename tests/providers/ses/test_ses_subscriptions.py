"""What somebody changed on an SES subscription page: from what, and for what mail, he unsubscribed or came back."""

from typing import Any

import pytest

from app.domain.kinds import Kind
from app.providers.ses.subscriptions import changes
from tests.providers.ses.test_ses_events import parse, report

OUT, BACK = Kind.UNSUBSCRIBED, Kind.RESUBSCRIBED
NEWS, OFFERS = "topic news of the list all", "topic offers of the list all"
UNNAMED = "topic without a name of the list all"


def statuses(topics: dict[str, str]) -> list[dict[str, str]]:
    return [{"topicName": name, "subscriptionStatus": status} for name, status in topics.items()]


def wishes(everything: bool | None = False, **topics: str) -> dict[str, Any]:
    return {"unsubscribeAll": everything, "topicSubscriptionStatus": statuses(topics)}


def by_default(**topics: str) -> dict[str, Any]:
    """The preferences of somebody who has said nothing."""
    return wishes() | {"topicDefaultSubscriptionStatus": statuses(topics)}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (wishes(news="OptIn"), wishes(news="OptOut"), [(OUT, NEWS)]),
        (wishes(news="OptOut"), wishes(news="OptIn"), [(BACK, NEWS)]),
        (wishes(), wishes(news="OptOut"), [(OUT, NEWS)]),
        # About a topic on which somebody has said nothing, the list's own default holds.
        (by_default(news="OptOut"), wishes(news="OptIn"), [(BACK, NEWS)]),
        (by_default(news="OptIn"), wishes(news="OptOut"), [(OUT, NEWS)]),
        (by_default(news="OptIn"), wishes(news="OptIn"), []),
        (by_default(news="OptOut"), by_default(news="OptOut") | wishes(news="OptOut"), []),
        (by_default(news="OptIn"), by_default(news="OptIn", offers="OptIn"), []),
        # Somebody opts in to one topic; that he is out of another one is repeated, and is nothing new.
        (wishes(news="OptOut", offers="OptOut"), wishes(news="OptIn", offers="OptOut"), [(BACK, NEWS)]),
        (wishes(news="OptIn", offers="OptOut"), wishes(news="OptOut", offers="OptIn"), [(OUT, NEWS), (BACK, OFFERS)]),
        (wishes(False), wishes(True), [(OUT, "")]),
        (wishes(True), wishes(False), [(BACK, "")]),
        (wishes(False, news="OptOut"), wishes(True, news="OptOut"), [(OUT, "")]),
        (wishes(True, news="OptOut"), wishes(True, news="OptOut"), []),
        (wishes(True, news="OptOut"), wishes(True, news="OptIn"), [(BACK, NEWS)]),
        (wishes(False, news="OptIn"), wishes(True, news="OptOut"), [(OUT, ""), (OUT, NEWS)]),
        (wishes(True, news="OptOut"), wishes(False, news="OptIn"), [(BACK, ""), (BACK, NEWS)]),
        (None, wishes(True), [(OUT, "")]),
        (None, wishes(False), []),
        (wishes(True), None, []),
        (wishes(None), wishes(None), []),
        ("?", {"unsubscribeAll": "true", "topicSubscriptionStatus": "?"}, []),
        ({}, {"topicSubscriptionStatus": ["?", {"subscriptionStatus": "OptOut"}]}, [(OUT, UNNAMED)]),
    ],
)  # fmt: skip
def test_only_what_became_different_is_a_wish(old: object, new: object, expected: list[tuple[Kind, str]]) -> None:
    section = {"contactList": "all", "oldTopicPreferences": old, "newTopicPreferences": new}
    assert changes(section) == expected


def test_the_example_of_the_developer_guide() -> None:
    """github.com/awsdocs/amazon-ses-developer-guide, "Subscription record" (2022-10-28)."""
    topic = [{"topicName": "ExampleTopicName", "subscriptionStatus": "OptOut"}]
    section = {
        "contactList": "ContactListName",
        "timestamp": "2022-01-12T01:00:17.910Z",
        "source": "UnsubscribeHeader",
        "newTopicPreferences": {"unsubscribeAll": True, "topicSubscriptionStatus": topic},
        "oldTopicPreferences": {"unsubscribeAll": False, "topicSubscriptionStatus": topic},
    }
    (event,) = parse(report("Subscription", section))
    assert (event.kind, event.scope, event.at_ms, event.detail) == (OUT, "", 1_641_949_217_910, "UnsubscribeHeader")


def test_each_change_of_a_notice_is_an_event_of_its_own() -> None:
    section = {
        "contactList": "all",
        "source": "UnsubscribeHeader",
        "oldTopicPreferences": wishes(news="OptIn", offers="OptOut"),
        "newTopicPreferences": wishes(news="OptOut", offers="OptIn"),
    }
    events = parse(report("Subscription", section))
    assert [(each.kind, each.scope, each.recipient) for each in events] == [
        (OUT, NEWS, "bo@example.com"),
        (BACK, OFFERS, "bo@example.com"),
    ]
    assert {each.detail for each in events} == {"UnsubscribeHeader"}
    assert len({each.key for each in events}) == 2
    assert events == parse(report("Subscription", section))
