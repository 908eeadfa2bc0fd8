"""When alarms tell somebody: once an environment is deployed and runs, and until its functions are removed."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.errors import ConfigurationError
from infra.stages import PROJECT

PATIENCE_S: Final = 420  # the alarm of the sweep looks at the last three minutes, and CloudWatch is late by some
INTERVAL_S: Final = 10


def are_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether alarms may tell somebody: not with ALARMS=off."""
    return environ.get("ALARMS", "on") != "off"


def require_somebody(environment: str, parameters: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> None:
    """Raise ConfigurationError if nobody would be told of an alarm in an environment whose tables are protected."""
    if (
        parameters.get("DeletionProtection", "true") != "true"
        or parameters.get("AlarmEmail")
        or not are_wanted(environ)
    ):
        return
    if not (parameters.get("PageTopicArn") and parameters.get("TicketTopicArn")):
        raise ConfigurationError(
            f"{environment}: nobody would be told of an alarm; set AlarmEmail in `stack` of zappa_settings.json, or"
            " PageTopicArn and TicketTopicArn, SNS topics of your own; or say ALARMS=off"
        )


def wait_for_the_sweep(client: Any, environment: str, wait: Callable[[float], None] = time.sleep) -> bool:
    """Wait until the sweep has run for some minutes, so that its silence before is no alarm. False: it does not run.

    `client` is one of CloudWatch. Alarms that are switched on while they are in the state ALARM tell nobody of it.
    """
    for _ in range(PATIENCE_S // INTERVAL_S):
        found = client.describe_alarms(AlarmNames=[f"{PROJECT}-{environment}-sweep-silent"])["MetricAlarms"]
        if any(alarm["StateValue"] == "OK" for alarm in found):
            return True
        wait(INTERVAL_S)
    return False
