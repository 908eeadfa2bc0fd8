"""The steps that make, change and remove the environment."""

import json
import secrets as randomness
import tempfile
from pathlib import Path

from app.errors import ConfigurationError
from app.wiring.variable_locations import MADE_ONCE
from infra.parameters import parameters
from infra.smoke import left_behind
from infra.smoke.run import SmokeError
from infra.smoke.world import World


def refuse_what_is_in_use(environment: str) -> None:
    """Raise ConfigurationError for an environment that must stay: it would be removed in the end, with its data."""
    if environment == "production" or parameters(environment).get("DeletionProtection", "true") == "true":
        raise ConfigurationError(
            f"{environment}: is not removed; name an environment of zappa_settings.json whose DeletionProtection is"
            ' "false", such as dev'
        )


def begin(world: World) -> None:
    """Nothing is there yet, so that nothing of anybody is removed in the end."""
    secrets = {f"secret {name}" for name in left_behind.secrets(world)}
    if found := [one for one in left_behind.find(world) if one not in secrets]:
        raise SmokeError(
            f"{world.environment} is there already ({', '.join(found)}); this step must come first, and needs an"
            f" environment of its own: make remove STAGE={world.environment} DATA=delete"
        )
    account = world.client("sts").get_caller_identity()["Account"]
    print_line(f"{world.environment} is made and removed in the account {account}, {world.settings['aws_region']}")
    world.note(began=True, secrets_made=False)


def store_secrets(world: World) -> None:
    """The secrets are those that are there, or new ones, in which SES needs no key."""
    if left_behind.secrets(world):
        print_line("the secrets that are there are used, and stay")
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "secrets.json"
        file.write_text(json.dumps({name: randomness.token_urlsafe(32) for name in MADE_ONCE}))
        world.note(secrets_made=True)
        world.admin("secrets", "store", str(file), "--stage", world.environment)


def deploy(world: World) -> None:
    """`make deploy` makes or updates everything."""
    world.make("deploy")


def answers(world: World) -> None:
    """The API answers, and knows who may ask."""
    with world.api() as api:
        health = api.get("/health")
        if health.status_code != 200:
            raise SmokeError(f"/health answers {health.status_code}: {health.text}")
        api.headers.pop("Authorization")
        stranger = api.get("/v1/emails")
    kind = stranger.headers.get("content-type", "")
    if stranger.status_code != 401 or kind != "application/problem+json":
        raise SmokeError(f"without a key, /v1/emails answers {stranger.status_code}, {kind}: {stranger.text}")


def roll_back(world: World) -> None:
    """The version before this one comes back, and answers."""
    world.make("rollback")
    answers(world)


def remove(world: World) -> None:
    """Everything goes: functions, API, stack, tables and mappings outside of it, and the secrets if they are ours."""
    if world.stack.find() is not None:
        world.make("remove", "DATA=delete")
    for uuid in left_behind.mappings(world):
        world.client("lambda").delete_event_source_mapping(UUID=uuid)
    dynamodb = world.client("dynamodb")
    for name in left_behind.tables(world):
        dynamodb.delete_table(TableName=name)
        dynamodb.get_waiter("table_not_exists").wait(TableName=name)
    if world.notes.get("secrets_made"):
        for name in left_behind.secrets(world):
            world.client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    kept = [] if world.notes.get("secrets_made") else [f"secret {name}" for name in left_behind.secrets(world)]
    if found := [one for one in left_behind.find(world) if one not in kept]:
        raise SmokeError(f"still there: {', '.join(found)}")
    world.forget()


def print_line(text: str) -> None:
    """Tell something, below the name of the step."""
    print(f"   {text}", flush=True)  # noqa: T201 because this is a program's output
