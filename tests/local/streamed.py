"""A table of emails with its stream, and writes to it, without the code of the store."""

from typing import Any

from tests.local.emulating import Running

EMAILS = "emailsminder-emails"
SHAPE: dict[str, Any] = {
    "TableName": EMAILS,
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "email_id", "AttributeType": "S"},
        {"AttributeName": "part", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "email_id", "KeyType": "HASH"}, {"AttributeName": "part", "KeyType": "RANGE"}],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}


def item(email_id: str, version: int, part: str = "email", **more: Any) -> dict[str, Any]:
    return {"email_id": {"S": email_id}, "part": {"S": part}, "version": {"N": str(version)}, **more}


def put(at: Running, *items: dict[str, Any]) -> None:
    for one in items:
        at.tables.put_item(TableName=EMAILS, Item=one)
