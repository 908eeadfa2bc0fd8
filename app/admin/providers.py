"""`providers`: are they set up?"""

import typer

from app import wiring
from app.admin.environment import fail, load
from app.domain.outcome import shorten
from app.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The providers in their order.")


@app.callback()
def _group() -> None:
    """Keep `check` a sub-command although it is the only one."""


@app.command()
def check() -> None:
    """Say of each provider what is missing or refused. Sends no email. Status 1 if any has a problem."""
    settings = load()
    if not settings.providers:
        fail("PROVIDERS is not set: name the providers in the order in which to try them")
    problems = [_check(settings, name) for name in settings.providers]
    raise typer.Exit(1 if any(problems) else 0)


def _check(settings: Settings, name: str) -> bool:
    complaints = [f"{variable} is not set: it cannot send" for variable in settings.missing(name)]
    complaints += [f"{variable} is not set: its webhooks are refused" for variable in settings.deaf(name)]
    if not settings.missing(name):
        answer = wiring.probe(settings, name)
        complaints += [] if answer.works else [f"refused: {answer.status_code or 'no answer'} {answer.reply}"]
    for complaint in complaints:
        typer.echo(f"{name}: {shorten(complaint)}")
    if not complaints:
        typer.echo(f"{name}: ok")
    return bool(complaints)
