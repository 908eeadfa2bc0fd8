import time
from uuid import uuid4

import pytest

from app.local.mode import API_KEY, LocalError
from app.local.prepare import prepare
from app.store import tables
from app.store.api_keys import ApiKeys
from app.store.head_items import HeadItem
from tests.support.aws import REGION, Aws, client


def test_what_another_version_has_made_is_refused_with_the_remedy(aws: Aws) -> None:
    prefix, keys = f"{uuid4().hex[:8]}-", ApiKeys(time.time)
    tables.connect(prefix, REGION, aws.endpoint_url)
    try:
        prepare(keys)
        assert keys.find(API_KEY) is not None
        dynamodb = client(aws.endpoint_url, "dynamodb")
        dynamodb.delete_table(TableName=f"{prefix}nonces")
        dynamodb.create_table(
            TableName=f"{prefix}nonces",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "another", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "another", "AttributeType": "S"}],
        )
        with pytest.raises(LocalError, match="another version: delete that folder, or set DATA_DIR"):
            prepare(keys)
    finally:
        HeadItem.Meta.table_name = ""
