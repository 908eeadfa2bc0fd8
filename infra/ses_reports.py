"""Subscribes the API's webhook to the topic on which SES reports, and keeps what cannot be delivered there."""

import json
import re
import sys
from typing import Any, Final

# How SNS tries again while the API does not answer, or answers with 5xx. Without a policy it tries three times, 20 s
# apart; for an HTTPS endpoint all delays together may be 3,600 s at most ("Amazon SNS message delivery retries" and
# "SetSubscriptionAttributes delivery policy JSON format", SNS Developer Guide, read 2026-11-29). Three tries are 10 s
# apart, four become slower, 25 are 120 s apart: about 55 minutes.
RETRIES: Final[dict[str, int]] = {
    "numRetries": 32,
    "numMinDelayRetries": 3,
    "numMaxDelayRetries": 25,
    "minDelayTarget": 10,
    "maxDelayTarget": 120,
}
POLICY: Final = {"healthyRetryPolicy": {**RETRIES, "backoffFunction": "linear"}}
PATH: Final = "/v1/webhooks/ses"


def subscribe(client: Any, topic_arn: str, api_url: str, queue_arn: str) -> None:
    """Subscribe the webhook of the API at `api_url` to the topic, with an hour of retries and a dead-letter queue.

    `client` is one of SNS. The API confirms the subscription by itself. Earlier webhooks of this environment are
    unsubscribed, which is told; the subscriptions of anybody else stay. It may be repeated.
    """
    url = api_url + PATH
    attributes = {
        "DeliveryPolicy": json.dumps(POLICY),
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": queue_arn}),
    }
    known = _confirmed(client, topic_arn)
    if url not in known:
        client.subscribe(TopicArn=topic_arn, Protocol="https", Endpoint=url, Attributes=attributes)
    for endpoint, subscription_arn in known.items():
        if endpoint == url:
            _set(client, subscription_arn, attributes)
        elif _is_former(endpoint, api_url) and _target(client, subscription_arn) == queue_arn:
            client.unsubscribe(SubscriptionArn=subscription_arn)
            sys.stdout.write(f"Unsubscribed {endpoint}, where the API was before, from {topic_arn}\n")


def _confirmed(client: Any, topic_arn: str) -> dict[str, str]:
    """The https endpoints of the topic, each with its subscription. One that is not confirmed has no ARN yet."""
    return {
        found["Endpoint"]: found["SubscriptionArn"]
        for page in client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
        for found in page["Subscriptions"]
        if found["Protocol"] == "https" and found["SubscriptionArn"].startswith("arn:")
    }


def _is_former(endpoint: str, api_url: str) -> bool:
    """Whether an endpoint differs from the webhook at `api_url` in nothing but API Gateway's id of the API."""
    host = re.fullmatch(r"(https://)[a-z0-9]+(\.execute-api\..+)", api_url)
    if host is None:
        return False
    return re.fullmatch(re.escape(host[1]) + "[a-z0-9]+" + re.escape(host[2] + PATH), endpoint) is not None


def _target(client: Any, subscription_arn: str) -> str:
    """The queue for what a subscription cannot deliver; "" if it has none. Only our own subscriptions have ours."""
    attributes = client.get_subscription_attributes(SubscriptionArn=subscription_arn)["Attributes"]
    return str(json.loads(attributes.get("RedrivePolicy") or "{}").get("deadLetterTargetArn", ""))


def _set(client: Any, subscription_arn: str, wanted: dict[str, str]) -> None:
    """Set what differs. `subscribe` would refuse other attributes than a subscription already has."""
    known = client.get_subscription_attributes(SubscriptionArn=subscription_arn)["Attributes"]
    for name, value in wanted.items():
        if not _has(json.loads(known.get(name) or "{}"), json.loads(value)):
            client.set_subscription_attributes(
                SubscriptionArn=subscription_arn, AttributeName=name, AttributeValue=value
            )


def _has(known: Any, wanted: Any) -> bool:
    """Whether everything that is wanted is so. SNS adds what it has defaults for."""
    if not isinstance(wanted, dict):
        return bool(known == wanted)
    return isinstance(known, dict) and all(_has(known.get(name), value) for name, value in wanted.items())
