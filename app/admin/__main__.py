"""The commands of the operators' command line. `python -m app.admin --help` lists them."""

import logging
import os

import typer
from typer.completion import completion_init  # type: ignore[attr-defined] # because it only passes it on

from app.admin import (
    bounces,
    completion,
    dead_letters,
    emails,
    endpoints,
    events,
    keys,
    matrix,
    openapi,
    providers,
    states,
    stats,
    stored_secrets,
    suppressions,
    variables,
    webhooks,
)
from app.admin.mistakes import Commands

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,  # that of `completion`: typer's own is for a program on the PATH, and there is none
    pretty_exceptions_enable=False,
    help="Operate EmailsMinder.",
)
app.add_typer(emails.app, name="emails")
app.add_typer(endpoints.app, name="endpoints")
app.add_typer(events.app, name="events")
app.add_typer(keys.app, name="keys")
app.add_typer(providers.app, name="providers")
app.add_typer(suppressions.app, name="suppressions")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(stored_secrets.app, name="secrets")
app.add_typer(bounces.app, name="bounces")
app.add_typer(webhooks.app, name="webhooks")
_NO_OUTPUT = logging.NullHandler()


@app.callback()
def start() -> None:
    """Keep the log out of the terminal: a command says itself what it did, and Python would print bare messages."""
    logging.getLogger().addHandler(_NO_OUTPUT)


app.command("stats")(stats.show)
app.command("openapi")(openapi.show)
app.command("matrix")(matrix.show)
app.command("states")(states.show)
app.command("variables")(variables.show)
app.command("completion")(completion.show)

if __name__ == "__main__":
    if completion.VARIABLE in os.environ:
        completion_init()  # typer leaves it out together with its own options
        app(prog_name=completion.NAME)
    app()
