"""Checks zappa_settings.json before a deployment changes anything: Zappa ignores a key that it does not know."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from app.errors import ConfigurationError
from infra import template, usage_plan
from infra.stages import WORKERS, Stage, read, settings
from infra.target import CHOICES
from infra.zappa_keys import FIXED, OURS, REFUSED, THROTTLE, ZAPPA

# Parameters that the deployment sets by itself.
DERIVED = frozenset({"Environment", "TablePrefix", "Alarms", "Vpc", "Tracing", "VariablesKeyArn"})
_NO_OTHER = "infra/package.py builds for no other"
ALIKE = 0.7  # of two names, from 0 to 1
# Lambda takes 4,096 bytes of variables ("Lambda quotas", Lambda Developer Guide, read 2026-11-30), ours among them.
VARIABLES = 3072
LONGEST = 35  # of the 64 characters of a function's name, beside emailsminder- and -attempts-urgent
ENVIRONMENT = re.compile(rf"[a-z][a-z0-9]{{0,{LONGEST - 1}}}")  # as the template's parameter of that name


def check(file: Path) -> None:
    """Raise ConfigurationError with a line for each key of the file that is unknown, or would not do what it says."""
    stages = read(file)
    found = [fault for name, stage in stages.items() for fault in _faults(name, stage)]
    found += [fault for name in stages for fault in _in_versions(name, file)]
    faults = list(dict.fromkeys([*found, *_in_lanes(stages, file)]))
    if faults:
        raise ConfigurationError("\n".join(faults))


def _faults(name: str, stage: Mapping[str, Any]) -> Iterator[str]:
    try:
        if not ENVIRONMENT.fullmatch(Stage.of(name).environment):
            yield f"{name}: an environment is named by small letters and digits, a letter first, {LONGEST} at most"
    except ConfigurationError as error:
        yield str(error)
    yield from _unknown(name, stage, ZAPPA | OURS)
    for key, value in stage.items():
        if key in REFUSED and value not in (None, False, {}, [], ""):
            yield f"{name}: {key} may not be set: {REFUSED[key]}"
        if key in FIXED and value != FIXED[key][0]:
            yield f"{name}: {key} must be {json.dumps(FIXED[key][0])}: {FIXED[key][1]}"
        if key in CHOICES and value not in CHOICES[key]:
            yield f"{name}: {key} must be {' or '.join(CHOICES[key])}, is {value}: {_NO_OTHER}"
    if "extends" not in stage and "runtime" not in stage:
        yield f"{name}: runtime is missing: {' or '.join(CHOICES['runtime'])}"
    yield from _unknown(f"{name}: stack", stage.get("stack", {}), template.parameters() - DERIVED)
    yield from _unknown(f"{name}: throttle", stage.get("throttle", {}), THROTTLE)
    plan = stage.get("usage_plan", {})
    yield from _unknown(f"{name}: usage_plan", plan, usage_plan.PARTS)
    for part, names in usage_plan.PARTS.items():
        yield from _unknown(f"{name}: usage_plan.{part}", plan.get(part, {}), names)
    variables = stage.get("aws_environment_variables", {})
    yield from _in_variables(name, variables)
    if stage.get("stack", {}).get("SesEvents") == "on" and any(own_configuration_sets(stage)):
        yield f"{name}: SesEvents makes a configuration set of SES: take it, or one of your own"


def _in_variables(name: str, variables: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name}: {key}: must be text, in quotes" for key, value in variables.items() if type(value) is not str)
    if (size := len(json.dumps(variables, ensure_ascii=False, separators=(",", ":")).encode())) > VARIABLES:
        yield (
            f"{name}: aws_environment_variables has {size:,} bytes, and may have {VARIABLES:,}: Lambda takes 4,096 of"
            " all variables of a function, and the deployment needs the rest; leave some out"
        )


def _in_lanes(names: Iterable[str], file: Path) -> Iterator[str]:
    """A lease is as long as a worker may live, whichever lane's it is: a message may come in another one."""
    limits: dict[str, set[int]] = {}
    for name in names:
        environment, _, entry_point = name.partition("_")
        if entry_point in WORKERS:
            limits.setdefault(environment, set()).add(settings(name, file).get("timeout_seconds", 0))
    for environment, found in limits.items():
        if len(found) > 1:
            yield f"{environment}: timeout_seconds must be the same for the workers of all lanes"


def _in_versions(name: str, file: Path) -> Iterator[str]:
    """What AWS would refuse of a version, once it is published. These settings may stand in different stages."""
    stage = settings(name, file)
    provisioned, reserved = stage.get("provisioned_concurrency") or 0, stage.get("lambda_concurrency")
    kept = stage.get("num_retained_versions", 2)
    if not isinstance(kept, int) or kept < 2:
        yield f"{name}: num_retained_versions must be 2 or more, or there is nothing to go back to"
    if reserved and 2 * provisioned > reserved:
        yield (
            f"{name}: provisioned_concurrency may be half of lambda_concurrency at most, because the old and the new"
            " version have it while the alias moves"
        )
    snap_start = stage.get("snap_start", "None")
    if snap_start == "None":
        return
    if snap_start != "PublishedVersions":
        yield f'{name}: snap_start must be "PublishedVersions" or "None", is {json.dumps(snap_start)}'
    if provisioned:
        yield f"{name}: snap_start and provisioned_concurrency exclude each other: Lambda takes one of them"
    if stage.get("ephemeral_storage", {}).get("Size", 512) > 512:
        yield f"{name}: snap_start takes no ephemeral_storage above 512"


def own_configuration_sets(stage: Mapping[str, Any]) -> Iterator[str]:
    """The configuration sets of SES that the variables of a stage name."""
    for name, value in stage.get("aws_environment_variables", {}).items():
        if name.startswith("SES_") and name.endswith("_CONFIGURATION_SET") and value:
            yield str(value)


def _unknown(where: str, found: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    for key in found:
        if key not in known:
            near = get_close_matches(key, known, 1, ALIKE)
            yield f"{where}: there is no {key}" + (f"; {near[0]} is meant, perhaps" if near else "")
