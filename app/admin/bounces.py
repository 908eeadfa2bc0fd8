"""`bounces`: what a failure report proves, and by which rule."""

from typing import Annotated, Final

import typer

from app.admin.output import Json, show, show_json
from app.providers.sdk.bounces import RULES, TITLES, Proven, Report, read

app = typer.Typer(no_args_is_help=True, help="Failure reports: how they are judged.")

# What follows from each, in the words of docs/bounces.md.
FOLLOWS: Final = {
    Proven.NOT_A_FAILURE: "nothing changes",
    Proven.DELAYED: "the provider has the email and goes on trying",
    Proven.SUPPRESSED: "never tried: no other provider is asked, and the address is suppressed",
    Proven.HARD_BOUNCE: "the mailbox does not exist: no other provider is asked, and the address is suppressed, for a "
    "day at first",
    Proven.MAILBOX_CONDITION: "full, disabled, or the email too large for it: no other provider is asked, and the "
    "address is not suppressed",
    Proven.BLOCKED: "it is about us: the next provider is asked",
    Proven.SOFT_BOUNCE: "returned for another reason, or in doubt: the next provider is asked",
    Proven.UNKNOWN: "the report says nothing: nothing changes",
}


@app.command()
def explain(
    text: Annotated[str, typer.Argument(help='The words of the host, such as "550 5.1.1 user unknown".')],
    action: Annotated[str, typer.Option(help="The action of the delivery status notification.")] = "",
    status: Annotated[str, typer.Option(help="Its status, such as 5.1.1.")] = "",
    code: Annotated[str, typer.Option(help="The SMTP code, if it is not in the text.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Say what a report proves, what follows, which rule decides, and where that rule is from.

    Without an action, a temporary reply is a delay; with `--action failed` the provider has given up.
    """
    reading = read(Report(action=action, status=status, code=code, text=text))
    record = {
        "proven": reading.proven,
        "follows": FOLLOWS[reading.proven],
        "rule": reading.rule,
        "source": reading.source,
    }
    words = f"{record['proven']}: {record['follows']}\nrule: {record['rule']}\nsource: {record['source']}"
    show(words, record, as_json=as_json)


@app.command()
def rules(*, as_json: Json = False) -> None:
    """Print every rule in its order as Markdown, as committed in docs/bounces.md."""
    if not as_json:
        typer.echo(table(), nl=False)
        return
    show_json(
        [
            {
                "priority": rule.priority.value,
                "rule": rule.name,
                "when": rule.says,
                "proves": rule.proves,
                "source": rule.source,
            }
            for rule in RULES
        ]
    )


def table() -> str:
    """Every rule in its order, as a table in Markdown."""
    lines = ["| priority | rule | when | proves | source |", "|---|---|---|---|---|"]
    lines += [
        f"| {rule.priority.value}. {TITLES[rule.priority]} | `{rule.name}` | {rule.says} "
        f"| {rule.proves} | {rule.source} |"
        for rule in RULES
    ]
    return "".join(f"{line}\n" for line in lines)
