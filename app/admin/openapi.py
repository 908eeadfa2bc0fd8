"""`openapi`: the OpenAPI document, as docs/openapi.json holds it."""

import typer

from app.api.application import create
from app.api.openapi import document
from app.wiring.parts import Container


def show() -> None:
    """Print the OpenAPI document of this version."""
    typer.echo(document(create(_no_container)), nl=False)


def _no_container() -> Container:
    raise AssertionError("describing the API needs no parts")
