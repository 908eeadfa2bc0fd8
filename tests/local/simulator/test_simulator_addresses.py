"""What is reported about a recipient follows from the address, at every provider and whatever the domain."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from app.local.simulator.accounts import open_account
from app.local.simulator.faults import ENDINGS, Behavior, Ending, Fault, endings
from app.local.simulator.inbox import Entry
from app.local.simulator.mail import Mail, Mailbox
from app.local.simulator.outbox import Outbox
from app.local.simulator.webhooks import Webhooks
from tests.local.simulator.case import Event
from tests.local.simulator.rig import CASES, Receiver, case_of

TO = ("bo@example.com", "bounced+1@example.com", "Complained+2@example.net", "silent+3@example.org")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def reports(receiver: Receiver, folder: Path, provider: str, behavior: Behavior, posts: int) -> list[tuple[str, Event]]:
    """Who is reported on, and how, in the webhooks about an email to TO."""
    account = open_account(provider, folder)
    metadata = {"eid": "addressed", "att": "1"}
    mail = Mail(Mailbox("app@example.com"), tuple(map(Mailbox, TO)), "Hello", text="Hello", metadata=metadata)

    async def report() -> None:
        async with aiohttp.ClientSession() as session:
            webhooks = Webhooks(receiver.url, session, Outbox())
            webhooks.report(account, Entry(provider, account.dialect.message_id(), mail, datetime.now(UTC)), behavior)
            await asyncio.to_thread(receiver.wait, "addressed", posts)
            await webhooks.close()

    asyncio.run(report())
    assert receiver.quiet("addressed", 0.2)
    case = case_of(provider)
    events = [event for heard in receiver.about("addressed") for event in case.events(heard.body)]
    return sorted(((case.recipient(event), event) for event in events), key=lambda pair: pair[0])


@pytest.mark.parametrize("provider", CASES)
def test_an_address_says_how_its_email_ends(receiver: Receiver, tmp_path: Path, provider: str) -> None:
    case = CASES[provider]
    posts = 4 if case.posts > 1 else 1

    found = reports(receiver, tmp_path, provider, Behavior(), posts)

    about = {address: [event for who, event in found if who == address] for address, _ in found}
    assert about.keys() == {"bo@example.com", "bounced+1@example.com", "Complained+2@example.net"}
    assert [case.kind(event) for event in about["bo@example.com"]] == [case.delivered]
    (bounced,) = about["bounced+1@example.com"]
    assert case.failed["accept_then_bounce"].items() <= bounced.items()
    reported = about["Complained+2@example.net"]
    assert len(reported) == 2
    assert any(case.complained.items() <= event.items() for event in reported)
    assert case.delivered in map(case.kind, reported)


@pytest.mark.parametrize("provider", CASES)
def test_an_account_that_does_not_deliver_overrules_the_address(
    receiver: Receiver, tmp_path: Path, provider: str
) -> None:
    case = CASES[provider]
    posts = 4 if case.posts > 1 else 1

    found = reports(receiver, tmp_path, provider, Behavior(Fault.ACCEPT_THEN_BLOCK), posts)

    assert sorted(who for who, _ in found) == sorted(TO)
    assert all(case.failed["accept_then_block"].items() <= event.items() for _, event in found)


@pytest.mark.parametrize("address", ["bounced@example.com", "BOUNCED+@example.com", "bounced+a+b@example.org"])
def test_the_word_counts_alone_in_any_case_and_at_any_domain(address: str) -> None:
    assert endings(Fault.NONE, address) == (Ending.HARD_BOUNCE,)
    assert endings(Fault.RESET_AFTER_ACCEPT, address) == (Ending.HARD_BOUNCE,)


@pytest.mark.parametrize("address", ["abounced@example.com", "bounced-1@example.com", "a+bounced@example.com"])
def test_other_addresses_are_delivered_to(address: str) -> None:
    assert endings(Fault.NONE, address) == (Ending.DELIVERED,)


@pytest.mark.parametrize("fault", [fault for fault, ending in ENDINGS.items() if ending is None])
def test_a_silent_account_says_nothing_of_anybody(fault: Fault) -> None:
    assert [endings(fault, address) for address in TO] == [()] * len(TO)
