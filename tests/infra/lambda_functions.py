"""Functions on the emulator, as Zappa leaves them, and a client of Lambda that can be made to fail."""

import io
import json
import zipfile
from threading import Event
from typing import Any
from uuid import uuid4

from infra.stages import ENTRY_POINTS, Stage
from infra.versions import ALIAS

CODE = """
import os, uuid
STARTED = uuid.uuid4().hex
def handler(event, context):
    return {"deployment": os.environ.get("DEPLOYMENT", ""), "started": STARTED}
"""
A, B, C, D = (letter * 12 for letter in "abcd")  # names of deployments


def package() -> bytes:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("entry.py", CODE)
    return code.getvalue()


def make(client: Any, stage: Stage, **variables: str) -> None:
    client.create_function(
        FunctionName=stage.function,
        Runtime="python3.13",
        Role=f"arn:aws:iam::000000000000:role/{stage.entry_point}",
        Handler="entry.handler",
        Code={"ZipFile": package()},
        Environment={"Variables": variables},
    )


def environment(client: Any) -> str:
    """The name of a new environment, with its functions."""
    name = f"x{uuid4().hex[:8]}"
    for entry_point in ENTRY_POINTS:
        make(client, Stage(name, entry_point))
    return name


def update(client: Any, stage: Stage, **variables: str) -> None:
    """What an update does before anything is published. It is still under way when this returns."""
    client.update_function_configuration(FunctionName=stage.function, Environment={"Variables": variables})


def settle(client: Any, stage: Stage) -> None:
    """Look for the end of an update more often than botocore does, which waits for a second."""
    while client.get_function_configuration(FunctionName=stage.function)["LastUpdateStatus"] == "InProgress":
        Event().wait(0.05)


def call(client: Any, stage: Stage) -> dict[str, str]:
    """What the alias answers, as whoever calls it hears."""
    answer = client.invoke(FunctionName=stage.function, Qualifier=ALIAS)
    return dict(json.loads(answer["Payload"].read()))


def fail(client: Any, operation: str, code: str = "AccessDeniedException", times: int = 1) -> None:
    """Let the next calls of an operation fail, as the service would."""
    left = [code] * times

    def refuse(**_: Any) -> None:
        if left:
            error = {"Error": {"Code": left.pop(), "Message": "no"}}
            raise client.exceptions.from_code(code)(error, operation)

    client.meta.events.register(f"before-call.lambda.{operation}", refuse)
