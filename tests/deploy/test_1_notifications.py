"""What becomes of an email on the deployed installation is in the feed, and on its way to a receiver.

No receiver of a test has a public address, and deployed functions call no other. So the host here has a name that is
nobody's (RFC 2606): each call is made as far as that, and is logged.
"""

import json
from typing import Any

import httpx

from infra import mappings
from infra.versions import ALIAS
from tests.deploy.cloud import ENVIRONMENT, Team, until
from tests.deploy.test_1_service import delivered, send

RECEIVER = "https://receiver.invalid/hooks"
WITHIN_S = 120  # the feed holds back ten seconds, and functions start


def events(api: httpx.Client, email_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"has_more": True, "after": None}
    while page["has_more"]:
        answer = api.get("/v1/events", params={"email_id": email_id, "after": page["after"] or ""})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["events"]
    return found


def lines(team: Team, door: str, email_id: str) -> list[dict[str, Any]]:
    """What a function has logged of an email."""
    found = team.cloud.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/emailsminder-{ENVIRONMENT}-{door}", filterPattern=f'"{email_id}"'
    )["events"]
    return [json.loads(one["message"]) for one in found if one["message"].startswith("{")]


def test_the_stream_is_read_by_changes_and_the_queue_by_deliveries(team: Team) -> None:
    prefix = team.variables()["TABLE_PREFIX"]
    stream = mappings.stream_of(team.cloud.client("dynamodb"), prefix)
    for door, source, wanted in (
        ("changes", stream, mappings.STREAM),
        ("deliveries", f":emailsminder-{ENVIRONMENT}-notifications", mappings.NOTIFICATIONS),
    ):
        (mapping,) = team.cloud.client("lambda").list_event_source_mappings(
            FunctionName=f"emailsminder-{ENVIRONMENT}-{door}:{ALIAS}"
        )["EventSourceMappings"]
        assert mapping["EventSourceArn"].endswith(source)
        assert {name: mapping[name] for name in wanted} == wanted


def test_notifications_come_to_their_queue_raw(team: Team) -> None:
    sns, arn = team.cloud.client("sns"), team.variables()["NOTIFICATIONS_TOPIC_ARN"]
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
    assert attributes["RawMessageDelivery"] == "true"
    assert attributes["RedrivePolicy"].count("dead-letters") == 1


def test_what_becomes_of_an_email_is_in_the_feed_in_its_order(api: httpx.Client) -> None:
    email_id = send(api)
    delivered(api, email_id)
    wanted = ["email.queued", "email.sent", "email.delivered"]
    until("told", lambda: [one["type"] for one in events(api, email_id)] == wanted, WITHIN_S)
    assert {one["data"]["email_id"] for one in events(api, email_id)} == {email_id}


def test_an_email_s_own_webhook_is_tried_signed_logged_and_comes_again(team: Team, api: httpx.Client) -> None:
    email_id = send(api, webhook_url=RECEIVER)
    delivered(api, email_id)

    def tries() -> list[dict[str, Any]]:
        answer = api.get("/v1/webhook-endpoints/default/deliveries")
        assert answer.status_code == 200, answer.text
        return [one for one in answer.json()["deliveries"] if one["email_id"] == email_id]

    until("tried", tries, WITHIN_S)
    tried = tries()[-1]
    assert (tried["status_code"], tried["delivered"]) == (None, False)
    assert tried["fault"]
    assert tried["next_try_at"], "it is on the queue again"
    told = {one["event_id"] for one in lines(team, "deliveries", email_id) if one.get("message") == "notification"}
    assert tried["event_id"] in told


def test_an_endpoint_on_a_private_network_is_refused_when_it_is_registered(api: httpx.Client) -> None:
    for url in ("https://127.0.0.1/hook", "https://169.254.169.254/latest", "http://localhost:9/hook"):
        answer = api.post("/v1/webhook-endpoints", json={"url": url})
        assert answer.status_code == 422, answer.text
