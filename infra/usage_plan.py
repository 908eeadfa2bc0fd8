"""The usage plan of an API's stage, as `usage_plan` in zappa_settings.json has it."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.stages import Stage

# The parts of a plan, and what each of them consists of, as API Gateway's API names it.
PARTS = {"throttle": ("rateLimit", "burstLimit"), "quota": ("limit", "offset", "period")}


def apply(client: Any, api_id: str, stage: Stage, wanted: Mapping[str, Any]) -> None:
    """Bring the plan that is named like the function up to date, or create it. `client` is one of API Gateway.

    `wanted` has `throttle` and `quota`, in the form of API Gateway's API. Keys and further APIs of the plan stay.
    """
    plans = [plan for page in client.get_paginator("get_usage_plans").paginate() for plan in page["items"]]
    plan = next((plan for plan in plans if plan["name"] == stage.function), None)
    if plan is None:
        client.create_usage_plan(name=stage.function, apiStages=[{"apiId": api_id, "stage": stage.name}], **wanted)
        return
    changes = [*_limits(plan, wanted), *_stages(client, plan, api_id, stage)]
    if changes:
        client.update_usage_plan(usagePlanId=plan["id"], patchOperations=changes)


def _limits(plan: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for part, names in PARTS.items():
        is_there, is_wanted = plan.get(part) or {}, wanted.get(part) or {}
        if is_there and not is_wanted:
            yield {"op": "remove", "path": f"/{part}"}
        for name in names:
            if name in is_wanted and is_wanted[name] != is_there.get(name):
                verb = "replace" if is_there else "add"
                yield {"op": verb, "path": f"/{part}/{name}", "value": str(is_wanted[name])}


def _stages(client: Any, plan: Mapping[str, Any], api_id: str, stage: Stage) -> Iterator[dict[str, str]]:
    """Add the stage of this API. Those of APIs that are gone leave: `make remove` and `make deploy` make a new API."""
    known = {f"{found['apiId']}:{found['stage']}": found["apiId"] for found in plan.get("apiStages", [])}
    ours = f"{api_id}:{stage.name}"
    for name, other_id in known.items():
        if name != ours and _is_gone(client, other_id):
            yield {"op": "remove", "path": "/apiStages", "value": name}
    if ours not in known:
        yield {"op": "add", "path": "/apiStages", "value": ours}


def _is_gone(client: Any, api_id: str) -> bool:
    try:
        client.get_rest_api(restApiId=api_id)
    except client.exceptions.NotFoundException:
        return True
    return False
