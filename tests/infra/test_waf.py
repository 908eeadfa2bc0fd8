"""AWS WAF in front of the API, as an option."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import botocore.session
import pytest
from botocore.stub import Stubber

from infra import hooks, versions, waf
from infra.stack import Stack
from infra.stages import ENTRY_POINTS, Stage
from tests.infra import lambda_functions, template
from tests.support.aws import REGION

OFF = {"DeletionProtection": "false"}


def test_the_api_is_behind_the_rules_until_they_go(new_stack: Stack) -> None:
    client, stage, api_id = new_stack.client("wafv2"), Stage(new_stack.environment, "api"), uuid4().hex[:10]
    arn = f"arn:aws:apigateway:us-east-1::/restapis/{api_id}/stages/{stage.name}"

    def behind(outputs: dict[str, str]) -> list[str]:
        found = client.list_resources_for_web_acl(WebACLArn=outputs["WebAclArn"], ResourceType="API_GATEWAY")
        return list(found["ResourceArns"])

    outputs = new_stack.apply(OFF, {})
    waf.protect(client, api_id, stage, outputs)
    assert client.list_web_acls(Scope="REGIONAL")["WebACLs"] == []

    outputs = new_stack.apply({**OFF, "WafRate": 2000}, {})
    for _ in range(2):
        waf.protect(client, api_id, stage, outputs)
    assert behind(outputs) == [arn]
    new_stack.apply({**OFF, "WafRate": 1000}, {})
    assert behind(outputs) == [arn], "a deployment that keeps them does not let go"

    assert "WebAclArn" not in new_stack.apply(OFF, {})
    assert client.list_web_acls(Scope="REGIONAL")["WebACLs"] == []


def test_the_last_hook_puts_the_api_behind_the_rules(
    new_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALARMS", "off")
    outputs, gateway = new_stack.apply({**OFF, "WafRate": 2000}, {}), new_stack.client("apigateway")
    name = new_stack.environment
    api_id = gateway.create_rest_api(name=f"emailsminder-{name}")["id"]
    gateway.create_deployment(restApiId=api_id, stageName=name)
    for entry_point in ENTRY_POINTS:
        stage = Stage(name, entry_point)
        lambda_functions.make(new_stack.client("lambda"), stage)
        versions.require_alias(new_stack.client("lambda"), stage.function)
    file = tmp_path / "zappa_settings.json"
    file.write_text(json.dumps({Stage(name, door).name: {} for door in ENTRY_POINTS}))
    session = SimpleNamespace(_session=new_stack.session, client=new_stack.client)
    zappa = SimpleNamespace(
        boto_session=session,
        wait_until_lambda_function_is_updated=lambda _: None,
        get_api_id=lambda _: api_id,
        get_api_url=lambda *_: "https://x.execute-api.us-east-1.amazonaws.com",
    )
    hooks.finish(
        SimpleNamespace(
            zappa=zappa,
            api_stage=name,
            lambda_name=f"emailsminder-{name}",
            stage_config={"throttle": {"rate": 1, "burst": 1}, "aws_environment_variables": {"PROVIDERS": "sendgrid"}},
            aws_environment_variables={"API_URL": "", "DEPLOYMENT": "0123456789ab"},
            vargs={"settings_file": str(file)},
        )
    )
    found = new_stack.client("wafv2").list_resources_for_web_acl(
        WebACLArn=outputs["WebAclArn"], ResourceType="API_GATEWAY"
    )
    assert found["ResourceArns"] == [f"arn:aws:apigateway:us-east-1::/restapis/{api_id}/stages/{name}"]
    gateway.delete_rest_api(restApiId=api_id)


@pytest.mark.parametrize("refusals", [1, 30, 31])
def test_rules_that_are_not_known_everywhere_yet_are_waited_for(refusals: int) -> None:
    client: Any = botocore.session.get_session().create_client(
        "wafv2", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )
    acl = "arn:aws-cn:wafv2:cn-north-1:123456789012:regional/webacl/emailsminder-dev/1"
    api = "arn:aws-cn:apigateway:cn-north-1::/restapis/a/stages/dev"
    waited: list[float] = []
    with Stubber(client) as stub:
        for _ in range(refusals):
            stub.add_client_error("associate_web_acl", "WAFUnavailableEntityException")
        if refusals <= waf.KNOWN_WITHIN_S // waf.POLL_EVERY_S:
            stub.add_response("associate_web_acl", {}, {"WebACLArn": acl, "ResourceArn": api})
            waf.protect(client, "a", Stage("dev", "api"), {"WebAclArn": acl}, waited.append)
        else:
            with pytest.raises(client.exceptions.WAFUnavailableEntityException):
                waf.protect(client, "a", Stage("dev", "api"), {"WebAclArn": acl}, waited.append)
        stub.assert_no_pending_responses()
    assert len(waited) == min(refusals, 30)


def test_the_rules_are_released_before_they_are_deleted() -> None:
    """AWS refuses to delete rules that something uses; the emulator does not."""
    client = botocore.session.get_session().create_client(
        "wafv2", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )
    acl = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/emailsminder-dev/1"
    api = "arn:aws:apigateway:us-east-1::/restapis/a/stages/dev"
    with Stubber(client) as stub:
        stub.add_response(
            "list_resources_for_web_acl", {"ResourceArns": [api]}, {"WebACLArn": acl, "ResourceType": "API_GATEWAY"}
        )
        stub.add_response("disassociate_web_acl", {}, {"ResourceArn": api})
        waf.release(client, {"WebAclArn": acl})
        stub.assert_no_pending_responses()
        waf.release(client, {})


def test_whoever_asks_too_often_is_refused_and_no_webhook_is() -> None:
    properties: dict[str, Any] = template.resources("AWS::WAFv2::WebACL")["WebAcl"]["Properties"]
    assert (properties["Scope"], properties["DefaultAction"]) == ("REGIONAL", {"Allow": {}})
    (rule,) = properties["Rules"]
    assert rule["Action"] == {"Block": {}}
    limit = rule["Statement"]["RateBasedStatement"]
    assert (limit["Limit"], limit["AggregateKeyType"]) == ({"Ref": "WafRate"}, "IP")
    excepted = limit["ScopeDownStatement"]["NotStatement"]["Statement"]["ByteMatchStatement"]
    assert (excepted["FieldToMatch"], excepted["SearchString"]) == ({"UriPath": {}}, "/v1/webhooks/")
