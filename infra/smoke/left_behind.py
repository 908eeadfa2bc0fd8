"""What an environment has in the account: nothing before the first step and after the last one."""

from collections.abc import Iterator

from infra.smoke.world import World


def find(world: World) -> list[str]:
    """Each function, mapping, API, stack, table, bucket, queue and secret of the environment: its kind and its name."""
    return list(_find(world))


def tables(world: World) -> list[str]:
    """The names of all tables of the environment, in its stack or not."""
    pages = world.client("dynamodb").get_paginator("list_tables").paginate()
    return [name for page in pages for name in page["TableNames"] if name.startswith(f"{world.name}-")]


def mappings(world: World) -> list[str]:
    """The ids of what lets Lambda read queues and streams for functions of the environment, which may be gone."""
    pages = world.client("lambda").get_paginator("list_event_source_mappings").paginate()
    # One that is deleted is `Deleting` for some seconds ("DeleteEventSourceMapping", botocore, read 2026-11-30).
    found = [one for page in pages for one in page["EventSourceMappings"] if one["State"] != "Deleting"]
    # arn:aws:lambda:REGION:ACCOUNT:function:NAME, and the alias
    return [one["UUID"] for one in found if one["FunctionArn"].split(":")[6].startswith(f"{world.name}-")]


def secrets(world: World) -> list[str]:
    """The names of the secrets of the environment."""
    pages = world.client("secretsmanager").get_paginator("list_secrets").paginate()
    start = f"{world.name.replace('-', '/', 1)}/"
    return [one["Name"] for page in pages for one in page["SecretList"] if one["Name"].startswith(start)]


def _find(world: World) -> Iterator[str]:
    own, start = world.name, f"{world.name}-"
    for page in world.client("lambda").get_paginator("list_functions").paginate():
        names = [one["FunctionName"] for one in page["Functions"]]
        yield from (f"function {name}" for name in names if name == own or name.startswith(start))
    yield from (f"mapping {uuid}" for uuid in mappings(world))
    for api in world.client("apigateway").get_rest_apis(limit=500)["items"]:
        if api["name"] == own:
            yield f"API {own}"
    for page in world.client("cloudformation").get_paginator("describe_stacks").paginate():
        names = [one["StackName"] for one in page["Stacks"] if one["StackStatus"] != "DELETE_COMPLETE"]
        yield from (f"stack {name}" for name in names if name in (own, world.stack.name))
    yield from (f"table {name}" for name in tables(world))
    for bucket in world.client("s3").list_buckets()["Buckets"]:
        if bucket["Name"].startswith(f"{world.stack.name}-"):
            yield f"bucket {bucket['Name']}"
    for url in world.client("sqs").list_queues(QueueNamePrefix=start).get("QueueUrls", ()):
        yield f"queue {url.rpartition('/')[2]}"
    yield from (f"secret {name}" for name in secrets(world))
