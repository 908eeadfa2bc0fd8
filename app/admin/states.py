"""`states`: the state table as a Markdown page, as committed in docs/states.md."""

import typer

from app.domain.kinds import Kind
from app.domain.states import DESCRIPTIONS, TABLE, Phase, Row, Transition

HEAD = """# States

<!-- Written by `python -m app.admin states > docs/states.md` from app/domain/states.py. -->

A recipient is in one *phase*: its status, told apart by whether the recipient waits. A *signal* is what was learned
about one attempt: the outcome of its call, or an event that its provider reports. The table says what a signal of each
*kind* does to a recipient in each phase.
"""
LEGEND = """An empty cell changes nothing but the evidence that is kept. `+` means that the address is suppressed from
then on. `older:` stands where a signal about an older attempt than the recipient's current one has another effect; a
dash is none.
"""
MEANINGS = {
    Transition.SENT: (
        "becomes `sent`, and the copy counts as accepted from then on; unless it has been reported as failed before, "
        "or was given up because its provider is silent"
    ),
    Transition.DELIVERED: (
        "becomes `delivered`, unless the same attempt bounced hard, met a mailbox condition, was suppressed or was "
        "returned"
    ),
    Transition.COMPLAINED: "becomes `complained`, with the same exceptions",
    Transition.RETRY: (
        "the attempt has failed: `queued` for the next provider, or `canceled` if the email was canceled; but "
        "`bounced` or `suppressed` if any attempt proved that, `sent` if another copy is live, and `failed` if a "
        "provider found a virus"
    ),
    Transition.UNCERTAIN: "nobody knows whether it was sent: the email's `on_uncertain` decides",
    Transition.RECIPIENT_FAULT: "no provider can deliver: `bounced` or `suppressed`, as the evidence says",
    Transition.RETURNED: "becomes `bounced`, unless another copy is known to be delivered",
}


def show() -> None:
    """Print the state table of this version as Markdown."""
    typer.echo(page(), nl=False)


def page() -> str:
    """The text of docs/states.md."""
    phases = "".join(f"| `{phase}` | {DESCRIPTIONS[phase]} |\n" for phase in Phase)
    meanings = "".join(f"| `{transition}` | {meaning} |\n" for transition, meaning in MEANINGS.items())
    return (
        f"{HEAD}\n## Phases\n\n| phase | |\n|---|---|\n{phases}"
        f"\n## Transitions\n\n| transition | the recipient |\n|---|---|\n{meanings}"
        f"\n## Kinds and phases\n\n{LEGEND}\n{_table()}"
    )


def _table() -> str:
    titles = ["kind", *(f"`{phase}`" for phase in Phase)]
    lines = [titles, ["---"] * len(titles)]
    lines += [[f"`{kind}`", *(_cell(phase, kind) for phase in Phase)] for kind in Kind]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(phase: Phase, kind: Kind) -> str:
    current, older = _text(TABLE[phase, kind, True]), _text(TABLE[phase, kind, False])
    return current if older == current else f"{current}<br>older: {older or '–'}"


def _text(row: Row) -> str:
    transition = "" if row.transition is Transition.STAY else row.transition.value
    return f"{transition} +".strip() if row.suppress else transition
