"""Puts AWS WAF in front of the API, if the stack has rules for it: `WafRate` in `stack` of zappa_settings.json."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from infra.stages import Stage

# New rules, and an API that is new, are known everywhere after seconds to minutes (AssociateWebACL,
# WAFUnavailableEntityException, AWS WAFV2 API Reference, read 2026-11-30).
POLL_EVERY_S: Final = 10
KNOWN_WITHIN_S: Final = 300


def protect(
    client: Any,
    api_id: str,
    stage: Stage,
    outputs: Mapping[str, str],
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Let every request to the API's stage pass the stack's rules. It may be repeated. `client` is one of WAFV2."""
    if acl_arn := outputs.get("WebAclArn"):
        _, partition, _, region, *_ = acl_arn.split(":")
        arn = f"arn:{partition}:apigateway:{region}::/restapis/{api_id}/stages/{stage.name}"
        for _ in range(KNOWN_WITHIN_S // POLL_EVERY_S):
            try:
                client.associate_web_acl(WebACLArn=acl_arn, ResourceArn=arn)
            except client.exceptions.WAFUnavailableEntityException:
                wait(POLL_EVERY_S)
            else:
                return
        client.associate_web_acl(WebACLArn=acl_arn, ResourceArn=arn)


def release(client: Any, outputs: Mapping[str, str]) -> None:
    """Let requests pass without the stack's rules, because AWS deletes no rules that something uses."""
    if acl_arn := outputs.get("WebAclArn"):
        found = client.list_resources_for_web_acl(WebACLArn=acl_arn, ResourceType="API_GATEWAY")
        for arn in found.get("ResourceArns", ()):
            client.disassociate_web_acl(ResourceArn=arn)
