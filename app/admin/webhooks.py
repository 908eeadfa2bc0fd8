"""`webhooks`: what this installation does with a webhook."""

import json
from typing import Annotated

import typer

from app.admin.environment import fail, local_variables
from app.admin.output import Json, show

app = typer.Typer(no_args_is_help=True, help="Webhooks: replay one.")


@app.command()
def replay(
    account: Annotated[str, typer.Argument(help="One of PROVIDERS, with its label if it has one.")],
    file: Annotated[
        typer.FileBinaryRead, typer.Argument(help="The webhook's body, as the provider posts it; - is stdin.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Post a webhook to the make run on this machine, signed by the local key. Prints what the app answers."""
    env = local_variables()
    from app.local import mode
    from app.local import replay as simulator

    try:
        answer = simulator.replay(env, account, file.read())
    except mode.LocalError as error:
        fail(str(error))
    words = f"{answer.status} {answer.body if isinstance(answer.body, str) else json.dumps(answer.body)}"
    show(words, {"status": answer.status, "body": answer.body}, as_json=as_json)
