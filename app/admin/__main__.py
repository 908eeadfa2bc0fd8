"""The commands of the operators' command line. `python -m app.admin --help` lists them."""

import logging

import typer

from app.admin import (
    bounces,
    dead_letters,
    keys,
    matrix,
    openapi,
    providers,
    states,
    stored_secrets,
    suppressions,
    variables,
    webhooks,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Operate EmailsMinder.")
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


app.command("openapi")(openapi.show)
app.command("matrix")(matrix.show)
app.command("states")(states.show)
app.command("variables")(variables.show)

if __name__ == "__main__":
    app()
