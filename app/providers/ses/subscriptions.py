"""Reads what somebody changed on the subscription page of an SES contact list, or by the header List-Unsubscribe.

The source is the SES Developer Guide, "Contents of event data that Amazon SES publishes to Amazon SNS", "Subscription
object", and the example of such a record (github.com/awsdocs/amazon-ses-developer-guide, 2022-10-28, read 2026-11-29):
the preferences before the change and after it. In both, `unsubscribeAll` is for the whole list, and
`topicSubscriptionStatus` has `topicName` and `subscriptionStatus` (OptIn, OptOut) of each topic. Newer readers of these
events on GitHub (2026-11-29) know `topicDefaultSubscriptionStatus` besides, of the same form: what holds for a topic
about which the contact has said nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from app.domain.kinds import EventKind, Kind
from app.providers.sdk import payload

Change = tuple[EventKind, str]  # the kind of event and its scope ("": everything)

UNNAMED: Final = "without a name"


def changes(section: Mapping[str, object]) -> list[Change]:
    """What became different. SES repeats what stayed as it was, which is no wish of now."""
    old, new = (payload.fields(section.get(name)) for name in ("oldTopicPreferences", "newTopicPreferences"))
    return [*_of_everything(old, new), *_of_topics(payload.text(section.get("contactList")), old, new)]


def _of_everything(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Change]:
    was, wants = old.get("unsubscribeAll") is True, new.get("unsubscribeAll")
    if wants is True and not was:
        yield Kind.UNSUBSCRIBED, ""
    if wants is False and was:
        yield Kind.RESUBSCRIBED, ""


def _of_topics(contact_list: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Change]:
    before = {**_statuses(old, "topicDefaultSubscriptionStatus"), **_statuses(old, "topicSubscriptionStatus")}
    for topic, status in _statuses(new, "topicSubscriptionStatus").items():
        scope = f"topic {topic} of the list {contact_list or UNNAMED}"
        if status == "OptOut" and before.get(topic) != "OptOut":
            yield Kind.UNSUBSCRIBED, scope
        if status == "OptIn" and before.get(topic) != "OptIn":
            yield Kind.RESUBSCRIBED, scope


def _statuses(preferences: Mapping[str, object], name: str) -> dict[str, str]:
    topics = preferences.get(name)
    read = map(payload.fields, topics if isinstance(topics, list) else [])
    return {payload.text(one.get("topicName")) or UNNAMED: payload.text(one.get("subscriptionStatus")) for one in read}
