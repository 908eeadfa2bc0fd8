"""`make outages`: every failure mode of a first provider, on a whole installation with a second one that works.

    python -m bench.outage_matrix [--write] [--only TEXT] [--capped] [--peers]

SendGrid fails and Mailgun works. The command prints a Markdown table; `--write` puts it into docs/outages.md. The exit
status is 1 if an email was lost, came twice, or was sent again to a mailbox that does not exist.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final
from uuid import uuid4

from app.local.paths import Paths
from app.local.simulator import accounts
from bench import peers
from bench.faulty_proxy import API_KEY, FaultyProxy
from bench.installations import installation
from bench.modes import GOOD, MODES, Mode, Result, Way, judge
from bench.report import write_table
from tests.support.installation import FINAL, ROOT, Installation

FIRST, SECOND = "sendgrid", "mailgun"
# Longer than the time between the provider timeout (10 s) and a slow answer (20 s), as the default of 60 s is.
UNCERTAIN_WAIT_S: Final = 15
# One email at a time has room under each of them, so that nothing may differ from a run without caps.
CAPS: Final = {
    f"{provider.upper()}_{cap}": value
    for provider in (FIRST, SECOND)
    for cap, value in (("DAILY_CAP", "1000"), ("PER_SECOND_CAP", "2"))
}
SETTLED_AFTER_S: Final = 3.0  # an email that has been `sent` for this long has settled
LONGEST_S: Final = 60.0
PAGE: Final = ROOT / "docs" / "outages.md"
OURS: Final = "EmailsMinder"


@dataclass(frozen=True, slots=True)
class Row:
    """One mode with one sender. `ended`: how the story ended, or what a peer answered. `taken_s` is per copy."""

    mode: Mode
    sender: str
    result: Result
    ended: str
    takers: tuple[str, ...]
    taken_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """An email that was sent, with the subject by which its copies are found."""

    mode: Mode
    sender: str
    subject: str
    called_at: datetime
    ended: str


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench.outage_matrix")
    parser.add_argument("--write", action="store_true", help="write docs/outages.md")
    parser.add_argument("--only", default="", metavar="TEXT", help="only modes whose title holds TEXT")
    parser.add_argument("--capped", action="store_true", help="both accounts have caps that leave room for every email")
    parser.add_argument("--peers", action="store_true", help="peers side by side; they are installed below build/")
    options = parser.parse_args()
    modes = [mode for mode in MODES if options.only in mode.title]
    senders = peers.install() if options.peers else []
    rows = [
        row
        for way in Way
        for row in run(way, [mode for mode in modes if mode.way is way], senders, CAPS if options.capped else {})
    ]
    table = write_table([mode for mode in MODES if mode in modes], rows, OURS, SECOND)
    print(table)
    if options.write:
        mark = "<!-- the table below is written by `make outages` -->"
        before = PAGE.read_text().partition(mark)[0]
        PAGE.write_text(f"{before}{mark}\n\n{table}")
    bad = [row for row in rows if row.sender == OURS and row.result not in GOOD]
    for row in bad:
        print(f"{row.mode.title}: {row.result}", file=sys.stderr)
    return 1 if bad else 0


def run(way: Way, modes: Sequence[Mode], senders: Sequence[peers.Peer], caps: Mapping[str, str]) -> list[Row]:
    """Try the modes of one way, one after the other, on one installation. Copies are counted at the very end."""
    if not modes:
        return []
    sent: list[Sent] = []
    with installation_for(way, caps) as (installed, proxy):
        urls = {name: state["base_url"] for name, state in installed.control.get("/control/providers").json().items()}
        proxy.upstream = urls[FIRST]
        first_url = urls[FIRST] if way is Way.SIMULATOR else base_url(way, proxy)
        for mode in modes:
            installed.fault(FIRST, mode.fault)
            proxy.behave(mode.trouble)
            # Otherwise the provider might be passed over because of what happened in the mode before.
            installed.api.post(f"/v1/providers/{FIRST}/resume").raise_for_status()
            sent.append(send_ours(installed, mode))
            print(f"{mode.title}: {sent[-1].ended}", file=sys.stderr)
            for peer in senders:
                subject, called_at = uuid4().hex, datetime.now(UTC)
                answer = peer.send(first_url, urls[SECOND], subject, keyed=way is not Way.SIMULATOR)
                sent.append(Sent(mode, peer.name, subject, called_at, answer))
        proxy.drain()
        inbox = installed.control.get("/control/messages").json()
    return [row_of(one, inbox) for one in sent]


@contextmanager
def installation_for(way: Way, caps: Mapping[str, str]) -> Iterator[tuple[Installation, FaultyProxy]]:
    """A running installation whose SendGrid is reached in that way, and the proxy."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="emailsminder-")))
        proxy = stack.enter_context(FaultyProxy())
        settings = {"PROVIDERS": f"{FIRST},{SECOND}", "UNCERTAIN_WAIT_S": str(UNCERTAIN_WAIT_S), **caps}
        if way is not Way.SIMULATOR:
            settings |= accounts.ready_variables("sendgrid", Paths(folder / "data").simulator)
            settings |= {
                "SENDGRID_API_KEY": API_KEY,
                "SENDGRID_BASE_URL": base_url(way, proxy),
            }
        yield stack.enter_context(installation(settings, folder)), proxy


def base_url(way: Way, proxy: FaultyProxy) -> str:
    """The first provider's base URL, as the installation sees it."""
    return {
        Way.PROXY: f"http://127.0.0.1:{proxy.port}",
        Way.TLS: f"https://127.0.0.1:{proxy.port}",
        Way.NOWHERE: "https://nowhere.invalid",
    }[way]


def send_ours(installed: Installation, mode: Mode) -> Sent:
    """Send one email through the installation, and follow it until it has settled."""
    subject, called_at = uuid4().hex, datetime.now(UTC)
    email_id = installed.send(subject=subject, to=[f"{subject[:8]}@example.net"])
    since_s = monotonic()
    before: dict[str, Any] = {}

    def is_settled() -> bool:
        nonlocal since_s, before
        story = installed.story(email_id)
        if story != before:
            before, since_s = story, monotonic()
        return story["status"] in FINAL or (story["status"] == "sent" and monotonic() - since_s > SETTLED_AFTER_S)

    installed.until(f"{mode.title}: settled", is_settled, LONGEST_S)
    story = installed.story(email_id)
    outcomes = ", ".join(f"{each['provider']} {each['outcome'] or 'in progress'}" for each in story["attempts"])
    (recipient,) = story["recipients"]
    ended = story["status"] if story["status"] == recipient["status"] else f"{story['status']} ({recipient['status']})"
    return Sent(mode, OURS, subject, called_at, f"{ended}: {outcomes}")


def row_of(sent: Sent, inbox: Sequence[dict[str, Any]]) -> Row:
    """The row of an email, from the copies of it in the providers' inbox."""
    copies = [message for message in inbox if message["subject"] == sent.subject]
    takers = tuple(message["provider"] for message in copies)
    taken_s = tuple(
        (datetime.fromisoformat(message["received_at"]) - sent.called_at).total_seconds() for message in copies
    )
    return Row(sent.mode, sent.sender, judge(sent.mode, takers, FIRST), sent.ended, takers, taken_s)


if __name__ == "__main__":
    sys.exit(main())
