from typing import Any

import botocore.session
import pytest

from app.api.v1 import examples
from app.local.mode import API_KEY, LocalError
from app.local.prepare import prepare
from tests.api.conftest import REGION, installed
from tests.support.clock import Clock


def test_what_another_version_has_made_is_refused_with_the_remedy() -> None:
    with installed(Clock()) as parts:
        prepare(parts)
        assert parts.api_keys.find(API_KEY) is not None
        assert parts.accept.heads.get(examples.ID) is not None
        dynamodb: Any = botocore.session.get_session().create_client("dynamodb", region_name=REGION)
        dynamodb.delete_table(TableName="api-nonces")
        dynamodb.create_table(
            TableName="api-nonces",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "another", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "another", "AttributeType": "S"}],
        )
        with pytest.raises(LocalError, match="another version: delete that folder, or set DATA_DIR"):
            prepare(parts)
