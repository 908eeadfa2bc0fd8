"""The baseline: the least that it costs in Python to accept and send an email, with nothing but botocore and httpx.

One item holds everything. There is no route, webhook, index, second provider or lease, so it is not a usable product.
"""

import json
import time
import uuid
from typing import Any, Final

import botocore.session
import httpx
from botocore.exceptions import ClientError

TABLE: Final = "baseline"


class Baseline:
    """The two handlers of the baseline, over shared clients."""

    def __init__(self, region: str, topic_arn: str, provider_url: str, api_key: str) -> None:
        session = botocore.session.get_session()
        self._dynamodb: Any = session.create_client("dynamodb", region_name=region)
        self._sns: Any = session.create_client("sns", region_name=region)
        self._http = httpx.Client(base_url=provider_url, headers={"Authorization": f"Bearer {api_key}"})
        self._topic_arn = topic_arn

    def create_table(self) -> None:
        """Create the baseline's one table."""
        self._dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def accept(self, event: dict[str, Any]) -> str:
        """Parse and check an email, store it if it is absent, and publish it. Returns its id."""
        email = json.loads(event["body"])
        if not (email["from"] and email["to"] and email["subject"] and (email.get("text") or email.get("html"))):
            raise ValueError("not an email")
        email_id = uuid.uuid4().hex
        self._dynamodb.put_item(
            TableName=TABLE,
            Item={
                "id": {"S": email_id},
                "email": {"S": json.dumps(email)},
                "status": {"S": "queued"},
                "created_at": {"N": str(int(time.time() * 1000))},
            },
            ConditionExpression="attribute_not_exists(id)",
        )
        self._sns.publish(TopicArn=self._topic_arn, Message=json.dumps({"email_id": email_id, "attempt": 1}))
        return email_id

    def attempt(self, event: dict[str, Any]) -> None:
        """Read an email, claim it, send it, and write the outcome."""
        email_id = json.loads(event["Records"][0]["Sns"]["Message"])["email_id"]
        key = {"id": {"S": email_id}}
        item = self._dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True)["Item"]
        try:
            self._set(key, "sending", "queued")
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return
            raise
        email = json.loads(item["email"]["S"])
        answer = self._http.post(
            "/v3/mail/send",
            json={
                "personalizations": [{"to": [{"email": to} for to in email["to"]]}],
                "from": {"email": email["from"]},
                "subject": email["subject"],
                "content": [{"type": "text/html", "value": email["html"]}],
                "custom_args": {"email_id": email_id},
            },
        )
        self._set(key, "sent" if answer.is_success else "failed", "sending")

    def _set(self, key: dict[str, Any], status: str, before: str) -> None:
        self._dynamodb.update_item(
            TableName=TABLE,
            Key=key,
            UpdateExpression="SET #s = :after",
            ConditionExpression="#s = :before",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":after": {"S": status}, ":before": {"S": before}},
        )
