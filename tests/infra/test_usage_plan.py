"""The usage plan of an API, on the emulator, and what API Gateway is asked for where the emulator does less."""

from typing import Any
from uuid import uuid4

import botocore.session
import pytest
from botocore.stub import Stubber

from infra import usage_plan
from infra.stages import Stage
from tests.support.aws import REGION, Aws, client

THROTTLE = {"throttle": {"rateLimit": 5.0, "burstLimit": 10}}
STAGE = Stage("production", "api")
PLAN = {"id": "plan", "name": STAGE.function, "apiStages": [{"apiId": "new", "stage": "production"}], **THROTTLE}


@pytest.fixture
def api(aws: Aws) -> tuple[Any, Stage]:
    """API Gateway, and the stage of an environment of its own."""
    return client(aws.endpoint_url, "apigateway"), Stage(f"x{uuid4().hex[:8]}", "api")


def new_api(found: Any, stage: Stage) -> str:
    api_id: str = found.create_rest_api(name=uuid4().hex)["id"]
    found.create_deployment(restApiId=api_id, stageName=stage.name)
    return api_id


def plans(found: Any, stage: Stage) -> list[dict[str, Any]]:
    return [plan for plan in found.get_usage_plans(limit=500)["items"] if plan["name"] == stage.function]


def test_it_is_made_once(api: tuple[Any, Stage]) -> None:
    found, stage = api
    api_id = new_api(found, stage)
    for _ in range(2):
        usage_plan.apply(found, api_id, stage, THROTTLE)
    (plan,) = plans(found, stage)
    assert plan["throttle"] == THROTTLE["throttle"]
    assert plan["apiStages"] == [{"apiId": api_id, "stage": stage.name}]


def asked(known: dict[str, Any], wanted: dict[str, Any], gone: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """The changes that API Gateway is asked for, with the plan `known` and the APIs `gone` deleted."""
    found = botocore.session.get_session().create_client(
        "apigateway", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )
    changes: list[dict[str, str]] = []
    found.meta.events.register(
        "provide-client-params.api-gateway.UpdateUsagePlan",
        lambda params, **_: changes.extend(params["patchOperations"]),
    )
    with Stubber(found) as stub:
        stub.add_response("get_usage_plans", {"items": [{"id": "other", "name": "other"}, known]}, {})
        for stage in known["apiStages"]:
            if stage["apiId"] in gone:
                stub.add_client_error("get_rest_api", "NotFoundException", http_status_code=404)
            elif stage["apiId"] != "new":
                stub.add_response("get_rest_api", {"id": stage["apiId"]})
        stub.add_response("update_usage_plan", {})
        usage_plan.apply(found, "new", STAGE, wanted)
    return changes


def test_what_is_as_wanted_is_not_changed() -> None:
    assert asked(PLAN, THROTTLE) == []


def test_changed_limits_are_applied() -> None:
    assert asked(PLAN, {"throttle": {"rateLimit": 7, "burstLimit": 10}}) == [
        {"op": "replace", "path": "/throttle/rateLimit", "value": "7"}
    ]


def test_a_part_that_is_new_is_added_and_one_that_is_wanted_no_more_is_removed() -> None:
    assert asked(PLAN, {"quota": {"limit": 100, "period": "DAY"}}) == [
        {"op": "remove", "path": "/throttle"},
        {"op": "add", "path": "/quota/limit", "value": "100"},
        {"op": "add", "path": "/quota/period", "value": "DAY"},
    ]


def test_a_new_api_takes_the_place_of_one_that_is_gone_and_another_one_stays() -> None:
    stages = [{"apiId": "old", "stage": "production"}, {"apiId": "somebody's", "stage": "v1"}]
    assert asked({**PLAN, "apiStages": stages}, THROTTLE, gone=("old",)) == [
        {"op": "remove", "path": "/apiStages", "value": "old:production"},
        {"op": "add", "path": "/apiStages", "value": "new:production"},
    ]
