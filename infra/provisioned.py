"""Provisioned concurrency: environments of a version that are started before anybody calls it, and kept.

It is given to a version, not to the alias, as Zappa does it, too: the new version's is ready before the alias moves, so
that an update has no cold start. For the moment of a move, two versions have it.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import ClientError

from infra import versions
from infra.versions import VersionError

POLL_EVERY_S: Final = 5.0
READY_WITHIN_S: Final = 600


def of(client: Any, function: str, number: str) -> int:
    """How much a version has. `client` is one of Lambda."""
    if not number.isdigit():
        return 0
    try:
        found = client.get_provisioned_concurrency_config(FunctionName=function, Qualifier=number)
    except client.exceptions.ProvisionedConcurrencyConfigNotFoundException:
        return 0
    return int(found["RequestedProvisionedConcurrentExecutions"])


def prepare(client: Any, function: str, number: str, wanted: int, wait: Callable[[float], None] = time.sleep) -> None:
    """Give a version what is wanted, and wait until it is there. Raises VersionError with AWS's reason if it is not."""
    client.put_provisioned_concurrency_config(
        FunctionName=function, Qualifier=number, ProvisionedConcurrentExecutions=wanted
    )
    reason = "it takes too long"
    for _ in range(int(READY_WITHIN_S / POLL_EVERY_S)):
        found = client.get_provisioned_concurrency_config(FunctionName=function, Qualifier=number)
        if found["Status"] == "READY":
            return
        if found["Status"] == "FAILED":
            reason = found.get("StatusReason", "nobody says why")
            break
        wait(POLL_EVERY_S)
    if versions.live_number(client, function) != number:  # or it would be paid for, though nobody calls it
        with suppress(ClientError):
            client.delete_provisioned_concurrency_config(FunctionName=function, Qualifier=number)
    raise VersionError(f"{function}: its provisioned concurrency of {wanted} cannot be made ready: {reason}")


def move(client: Any, function: str, number: str, wanted: int) -> None:
    """Move the alias to a version that has what is wanted, and take it from every other."""
    had = of(client, function, versions.live_number(client, function))
    if wanted:
        prepare(client, function, number, wanted)
    versions.move(client, function, number)
    if wanted or had:
        take_away(client, function, number if wanted else "")


def take_away(client: Any, function: str, but_from: str) -> None:
    """Take what they have from all versions but one: what nobody calls is paid for, too."""
    for one in versions.published(client, function):
        if one.number != but_from:
            with suppress(client.exceptions.ResourceNotFoundException):
                client.delete_provisioned_concurrency_config(FunctionName=function, Qualifier=one.number)
