"""What somebody changed on an SES subscription page: from what, and for what mail, he unsubscribed or came back."""

from typing import Any

import pytest

from app.domain.kinds import Kind
from app.providers.ses.subscriptions import changes
from tests.providers.ses.test_ses_events import parse, report

OUT, BACK = Kind.UNSUBSCRIBED, Kind.RESUBSCRIBED
NEWS, OFFERS = "topic news of the list all", "topic offers of the list all"
UNNAMED = "topic without a name of the list all"


def wishes(everything: bool | None = False, **topics: str) -> dict[str, Any]:
    listed = [{"topicName": name, "subscriptionStatus": status} for name, status in topics.items()]
    return {"unsubscribeAll": everything, "topicSubscriptionStatus": listed}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (wishes(news="OptIn"), wishes(news="OptOut"), [(OUT, NEWS)]),
        (wishes(news="OptOut"), wishes(news="OptIn"), [(BACK, NEWS)]),
        (wishes(), wishes(news="OptOut"), [(OUT, NEWS)]),
        # Somebody opts in to one topic; that he is out of another one is repeated, and is nothing new.
        (wishes(news="OptOut", offers="OptOut"), wishes(news="OptIn", offers="OptOut"), [(BACK, NEWS)]),
        (wishes(news="OptIn", offers="OptOut"), wishes(news="OptOut", offers="OptIn"), [(OUT, NEWS), (BACK, OFFERS)]),
        (wishes(False), wishes(True), [(OUT, "")]),
        (wishes(True), wishes(False), [(BACK, "")]),
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
