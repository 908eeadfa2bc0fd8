"""The step that restores the tables of the environment to a point in time, and goes on with them."""

import time
from datetime import datetime
from typing import Any, Final

from infra import restore
from infra.parameters import parameters
from infra.smoke import mail
from infra.smoke.run import SmokeError, until
from infra.smoke.world import World

RESTORABLE_WITHIN_S: Final = 1800  # DynamoDB restores to five minutes ago at the latest


def restores(world: World) -> None:
    """The emails that were there are there, under another prefix, with every setting; and new ones are sent."""
    kept = mail.post(world, "success")
    mail.taken(world, kept)
    world.note(kept_at=time.time())
    prefix = f"{world.name}-smoke-"
    at = until("a point in time after the last email", lambda: _restorable(world), RESTORABLE_WITHIN_S, world.wait)
    restore.tables(world.stack, prefix, at, ["emails"])
    wanted = {**parameters(world.environment), "Alarms": world.stack.parameter("Alarms")}
    if differences := restore.adopt(world.stack, prefix, wanted, world.settings.get("tags", {})):
        raise SmokeError(f"restored tables differ from the template: {'; '.join(differences)}")
    world.make("deploy")

    variables = world.client("lambda").get_function_configuration(FunctionName=world.name)["Environment"]["Variables"]
    if variables["TABLE_PREFIX"] != prefix:
        raise SmokeError(f"the API still has the tables {variables['TABLE_PREFIX']}…")
    mail.story(world, kept)
    mail.taken(world, mail.post(world, "success"))
    _require_settings(world.client("dynamodb"), f"{prefix}emails")


def _restorable(world: World) -> datetime | None:
    """The latest point in time, once it is after the email that must be there."""
    table = f"{world.stack.prefix}emails"
    found = world.client("dynamodb").describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    latest: datetime | None = found["PointInTimeRecoveryDescription"].get("LatestRestorableDateTime")
    if latest is None:
        raise SmokeError(f"{table} cannot be restored to a point in time")
    return latest if latest.timestamp() >= world.notes["kept_at"] else None


def _require_settings(dynamodb: Any, table: str) -> None:
    ttl = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if ttl.get("AttributeName") != "ttl":
        raise SmokeError(f"{table} has no time to live: {ttl}")
    found = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    if found["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] != "ENABLED":
        raise SmokeError(f"{table} cannot be restored to a point in time")
