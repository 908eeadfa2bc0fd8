"""Reserved concurrency: how many runs of a function the account keeps for it, and grants it at most."""

import sys
from typing import Any, Final

from app.errors import ConfigurationError
from infra.stages import Stage

# Lambda keeps so many for the functions that reserve none ("Configuring reserved concurrency", Lambda Developer Guide,
# read 2026-11-29). A new account may have ten in all, and then nothing can be reserved.
UNRESERVED: Final = 100


def reserve(client: Any, stage: Stage, wanted: int | None) -> int | None:
    """What can be reserved for the function of `stage`. None: nothing. `client` is one of Lambda.

    In an account that is too small for any reservation that is told, and nothing is reserved. Raises
    ConfigurationError, which says how much there is, if the account has less than `wanted`.
    """
    if wanted is None:
        return None
    limits = client.get_account_settings()["AccountLimit"]
    whole, unreserved = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    if whole <= UNRESERVED:
        sys.stdout.write(
            f"Nothing is reserved for {stage.function}: the account may run {whole} functions at once. Ask AWS for more"
            " (Service Quotas, Lambda, Concurrent executions), or slow providers may starve the API\n"
        )
        return None
    available = unreserved + _reserved(client, stage.function) - UNRESERVED
    if wanted > available:
        raise ConfigurationError(
            f"{stage.name}: lambda_concurrency may be {max(available, 0)} at most, is {wanted}: the account may run"
            f" {whole} functions at once, of which {UNRESERVED} must stay unreserved; say less, or ask AWS for more"
        )
    return wanted


def _reserved(client: Any, function: str) -> int:
    try:
        return int(client.get_function_concurrency(FunctionName=function).get("ReservedConcurrentExecutions", 0))
    except client.exceptions.ResourceNotFoundException:
        return 0
