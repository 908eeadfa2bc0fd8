"""`events`: what became of emails, as applications are told."""

import typer

from app.admin import event_tail, rebuild

app = typer.Typer(no_args_is_help=True, help="Events: what applications are told of their emails.")
app.command("rebuild")(rebuild.rebuild)
app.command("tail")(event_tail.tail)
