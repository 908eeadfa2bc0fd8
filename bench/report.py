"""Writes the outage matrix as a Markdown table."""

from collections.abc import Sequence
from typing import Protocol

from bench.modes import Mode, Result


class Row(Protocol):
    """What became of one email in one failure mode. The email was sent by the product or by a peer."""

    @property
    def mode(self) -> Mode:
        """The failure mode."""

    @property
    def sender(self) -> str:
        """The product or the peer that sent the email."""

    @property
    def result(self) -> Result:
        """The result for the recipient."""

    @property
    def ended(self) -> str:
        """How the story ended, or what a peer answered its caller."""

    @property
    def takers(self) -> tuple[str, ...]:
        """The providers that took a copy, in order."""

    @property
    def taken_s(self) -> tuple[float, ...]:
        """When each copy was taken, in seconds after the call."""


def write_table(modes: Sequence[Mode], rows: Sequence[Row], ours: str, second: str) -> str:
    """The table, with a line per mode: our result, seconds to the second provider, the story, and a column per peer."""
    peers = list(dict.fromkeys(row.sender for row in rows if row.sender != ours))
    titles = ["the first provider's failure", "the recipient gets it", f"{second} has it after", "the story", *peers]
    found = {(row.mode.title, row.sender): row for row in rows}
    lines = [titles, ["---"] * len(titles)]
    for mode in modes:
        row = found[mode.title, ours]
        others = [_peer(found[mode.title, peer], second) for peer in peers]
        lines.append([mode.title, row.result, _after(row, second), row.ended, *others])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _after(row: Row, second: str) -> str:
    return next((f"{at_s:.1f} s" for taker, at_s in zip(row.takers, row.taken_s, strict=True) if taker == second), "–")


def _peer(row: Row, second: str) -> str:
    after = _after(row, second)
    return f"{row.result}; answered: {row.ended}" + (f"; {after}" if after != "–" else "")
