"""The parameters of the stack: `stack` in zappa_settings.json, and what follows from other settings there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app import trace_settings
from infra.settings_check import own_configuration_sets
from infra.stages import ENTRY_POINTS, SETTINGS, Stage, settings


def parameters(environment: str, file: Path = SETTINGS) -> dict[str, Any]:
    """The parameters of an environment's stack. Its roles then allow what the settings of its functions ask for."""
    stages = [settings(Stage(environment, entry_point).name, file) for entry_point in ENTRY_POINTS]
    found: dict[str, Any] = dict(stages[-1].get("stack", {}))
    if any(stage.get("vpc_config") for stage in stages):
        found["Vpc"] = "on"
    if any(stage.get("xray_tracing") or _is_traced_by_xray(stage) for stage in stages):
        found["Tracing"] = "on"
    if key := next((stage["aws_kms_key_arn"] for stage in stages if stage.get("aws_kms_key_arn")), ""):
        found["VariablesKeyArn"] = key
    if found.get("SesIdentityArns"):
        found["SesIdentityArns"] = [*_arns(found["SesIdentityArns"]), *_configuration_sets(stages[0], found)]
    return found


def _is_traced_by_xray(stage: Mapping[str, Any]) -> bool:
    """Whether the function sends its traces to X-Ray by itself, with the rights of its role."""
    return trace_settings.XRAY.match(trace_settings.endpoint(stage.get("aws_environment_variables", {}))) is not None


def _arns(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else str(value).split(",")
    return [text for part in parts if (text := str(part).strip())]


def _configuration_sets(worker: Mapping[str, Any], stack: Mapping[str, Any]) -> list[str]:
    """The ARNs of own configuration sets, in every account and region that has an identity."""
    prefixes = dict.fromkeys(arn.partition(":identity/")[0] for arn in _arns(stack["SesIdentityArns"]))
    names = dict.fromkeys(own_configuration_sets(worker))
    return [f"{prefix}:configuration-set/{name}" for prefix in prefixes for name in names]
