"""`variables`: the variables of all providers, as committed in .env.example and docs/providers/variables.md."""

import re
from enum import StrEnum
from pathlib import Path

import typer

from app.domain.account import prefix_of
from app.providers import registry
from app.providers.sdk.variables import BOTH, Need, Variable

EXAMPLE = Path(".env.example")
BLOCK = re.compile(r"(?<=# <providers>\n).*?(?=# </providers>\n)", re.DOTALL)

# The variables of every account, beside those that its provider declares.
GENERIC = (
    Variable(
        "DAILY_CAP",
        "The recipients that it may take a day (UTC), as on a free tier; no limit if not set.",
        read_by=BOTH,
    ),
    Variable("PER_SECOND_CAP", "The recipients that it may take a second; no limit if not set.", read_by=BOTH),
    Variable("FROM_DOMAINS", "The From domains that it may send, separated by commas; `*` is any.", read_by=BOTH),
)
NEEDED = {Need.SENDING: "sending", Need.WEBHOOKS: "webhooks", Need.NOTHING: ""}
HEAD = """# The variables of the providers

<!-- Written by `python -m app.admin variables page` from app/providers/*/variables.py. -->

Those of another account at the same provider have its label in their names, and inherit nothing: the account `NAME:eu`
reads `NAME_EU_API_KEY`. Every account has these, too:
"""


class Form(StrEnum):
    """What to write: `example`, the whole file .env.example; `page`, a page of the documentation."""

    EXAMPLE = "example"
    PAGE = "page"


def show(form: Form) -> None:
    """Print .env.example (`example`) or docs/providers/variables.md (`page`), written anew."""
    typer.echo(example(EXAMPLE.read_text()) if form is Form.EXAMPLE else page(), nl=False)


def example(text: str) -> str:
    """`text`, an .env.example, with the block of the providers written anew."""
    return BLOCK.sub(lambda _: "\n".join(map(_block, registry.PROVIDERS)), text)


def page() -> str:
    """The page of the documentation."""
    tables = [
        f"\n## {registry.declaration(name).title}\n\n{_table(name, registry.declaration(name).variables)}"
        for name in registry.PROVIDERS
    ]
    return f"{HEAD}\n{_table('NAME', GENERIC)}{''.join(tables)}"


def _block(provider: str) -> str:
    declared, prefix = registry.declaration(provider), prefix_of(provider)
    title = f"# {declared.title} (docs/providers/{provider}.md)\n"
    lines = [
        f"# {one.about}\n#{prefix}{one.name}={'' if one.fallbacks else one.default}\n"
        for one in (*declared.variables, *GENERIC)
    ]
    return title + "".join(lines)


def _table(provider: str, variables: tuple[Variable, ...]) -> str:
    rows = [
        f"| `{prefix_of(provider)}{one.name}` | {NEEDED[one.needed_for]} | {'yes' if one.is_secret else ''} |"
        f" {', '.join(sorted(one.read_by))} |"
        f" {f'`{_default(one)}`' if _default(one) else ''} | {one.about} |\n"
        for one in variables
    ]
    return f"| variable | needed for | secret | read by | default | what |\n|---|---|---|---|---|---|\n{''.join(rows)}"


def _default(variable: Variable) -> str:
    return ", then ".join(filter(None, (*variable.fallbacks, variable.default)))
