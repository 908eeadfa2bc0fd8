"""`python -m app.admin suppressions lift --at-providers` and `import`, beside a running simulator of every provider."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import botocore.session
import pytest

from app.admin.own_lists import Said
from app.api import times
from app.domain.own_entries import SAID_BY_PEOPLE
from app.domain.suppression import DAY_MS, LASTS_MS, Reason
from app.local.simulator.accounts import ready_variables
from app.providers import registry
from app.providers.resend.own_list import PAGE_SIZE as RESEND_PAGE
from app.providers.sendgrid.own_list import PAGE_SIZE
from app.store.suppressions import Suppressions
from tests.admin.conftest import REGION, Run
from tests.local.simulator.rig import Rig
from tests.support.environment import ADDRESS_SECRET
from tests.support.provider_server import ProviderServer

ALL = ("sendgrid", "mailgun", "ses", "resend")
# Where each simulated provider has what a reason stands for, in its own words.
BOUNCES = {"sendgrid": "bounces", "mailgun": "bounces", "ses": "BOUNCE", "resend": "bounce"}
COMPLAINTS = {"sendgrid": "spam_reports", "mailgun": "complaints", "ses": "COMPLAINT", "resend": "complaint"}
UNSUBSCRIBES = {"sendgrid": "unsubscribes", "mailgun": "unsubscribes"}
# How the line of an account names the part of its list.
SHOWN = {"ses": "the account's list", "resend": "suppressions"}
DEAD = "550 5.1.1 The email account that you tried to reach does not exist"
Fill = Callable[..., None]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, Path]]:
    keys = tmp_path_factory.mktemp("keys")
    with Rig(keys, "--accounts", ",".join((*ALL, "mailgun:eu"))) as running:
        yield running, keys


@pytest.fixture
def at(rig: tuple[Rig, Path]) -> dict[str, str]:
    """The variables of an installation whose accounts are the simulated ones. Their lists are empty."""
    running, keys = rig
    found = {"PROVIDERS": ",".join(ALL)}
    for account in (*ALL, "mailgun:eu"):
        found |= ready_variables(account, keys)
        found[f"{account.upper().replace(':', '_')}_BASE_URL"] = running.base_url(account)
        empty: dict[str, list[Any]] = {name: [] for name in running.control.get(f"/providers/{account}/lists").json()}
        running.control.put(f"/providers/{account}/lists", json=empty).raise_for_status()
        running.behave(account)
    return found


@pytest.fixture
def fill(rig: tuple[Rig, Path]) -> Fill:
    def put(account: str, part: str, *addresses: str, age_days: float = 1, **more: object) -> None:
        when = times.write(int(time.time() * 1000 - age_days * DAY_MS))
        entries = [{"address": address, "at": when, **more} for address in addresses]
        rig[0].control.put(f"/providers/{account}/lists", json={part: entries}).raise_for_status()

    return put


@pytest.fixture
def lists(rig: tuple[Rig, Path]) -> Callable[[str], set[tuple[str, str]]]:
    """Who is on which part of an account's list."""

    def found(account: str) -> set[tuple[str, str]]:
        answer = rig[0].control.get(f"/providers/{account}/lists").json()
        return {(part, entry["address"]) for part, entries in answer.items() for entry in entries}

    return found


def somebody() -> str:
    return f"ann+{uuid4().hex[:8]}@example.com"


def known(address: str) -> dict[Reason, int]:
    """The reasons for which an address is suppressed now, with their beginnings."""
    entry = Suppressions(ADDRESS_SECRET).get(address)
    now_ms = int(time.time() * 1000)
    return {reason: one.since_ms for reason, one in entry.suppressions.items() if now_ms < one.until_ms}


def test_a_bounce_is_cleared_at_every_account_and_a_complaint_stays(
    run: Run, at: dict[str, str], fill: Fill, lists: Any
) -> None:
    ann = somebody()
    run("suppressions", "add", ann, "--note", "seen", "--reason", "hard_bounce", **at)
    for account in ("sendgrid", "ses", "resend"):
        fill(account, BOUNCES[account], ann, words=DEAD)
    fill("sendgrid", "invalid_emails", ann)
    fill("sendgrid", "blocks", ann)
    fill("mailgun", "complaints", ann)
    done = run("suppressions", "lift", ann, "--at-providers", **at)
    first, *each = done.stdout.splitlines()
    assert (done.exit_code, first) == (0, f"lifted {ann}")
    assert each[0] == "sendgrid: cleared from bounces, invalid_emails"
    assert each[1].startswith("mailgun: kept in complaints: complained since 20")
    assert each[1].endswith("(--also complained clears it)")
    assert each[2:] == ["ses: cleared from the account's list", "resend: cleared from suppressions"]
    assert lists("sendgrid") == {("blocks", ann)}  # which stops nothing
    assert (lists("mailgun"), lists("ses"), lists("resend")) == ({("complaints", ann)}, set(), set())
    again = run("suppressions", "lift", ann, "--at-providers", "--also", "complained", **at)
    assert again.exit_code == 0
    assert again.stdout.splitlines() == [
        f"{ann} is not suppressed here",
        "sendgrid: was not there",
        "mailgun: cleared from complaints",
        "ses: was not there",
        "resend: was not there",
    ]
    assert lists("mailgun") == set()


@pytest.mark.parametrize("account", ALL)
@pytest.mark.parametrize("lifted", ["hard_bounce", "complained", "unsubscribed"])
def test_what_a_person_said_is_cleared_if_it_was_lifted_here_for_that(
    run: Run, at: dict[str, str], fill: Fill, lists: Any, account: str, lifted: str
) -> None:
    ann = somebody()
    said = {"complained": COMPLAINTS, "unsubscribed": UNSUBSCRIBES}
    run("suppressions", "add", ann, "--note", "seen", "--reason", lifted, **at)
    for parts in said.values():
        if account in parts:
            fill(account, parts[account], ann)
    done = run("suppressions", "lift", ann, "--at-providers", **at | {"PROVIDERS": account})
    assert done.exit_code == 0, done.output
    expected = {(parts[account], ann) for reason, parts in said.items() if reason != lifted and account in parts}
    assert lists(account) == expected
    for reason in said:
        run("suppressions", "lift", ann, "--at-providers", "--also", reason, **at | {"PROVIDERS": account})
    assert lists(account) == set()


def test_an_entry_that_an_operator_made_at_the_provider_is_kept_like_a_persons_word(
    run: Run, at: dict[str, str], fill: Fill, lists: Any
) -> None:
    ann = somebody()
    fill("resend", "manual", ann)
    only = at | {"PROVIDERS": "resend"}
    assert (
        "resend: kept in suppressions: manual since"
        in run("suppressions", "lift", ann, "--at-providers", **only).stdout
    )
    run("suppressions", "add", ann, "--note", "legal hold", **at)
    run("suppressions", "lift", ann, "--at-providers", **only)
    assert lists("resend") == set()
    assert {one.value for one in Said} == {one.value for one in SAID_BY_PEOPLE}


def test_each_account_has_its_own_list_at_its_own_address(run: Run, at: dict[str, str], fill: Fill, lists: Any) -> None:
    ann = somebody()
    fill("mailgun", "bounces", ann)
    fill("mailgun:eu", "bounces", ann)
    done = run("suppressions", "lift", ann, "--at-providers", **at | {"PROVIDERS": "mailgun:eu"})
    assert done.stdout.splitlines()[1] == "mailgun:eu: cleared from bounces"
    assert (lists("mailgun"), lists("mailgun:eu")) == ({("bounces", ann)}, set())


def test_an_account_that_fails_stops_no_other(
    run: Run, rig: tuple[Rig, Path], at: dict[str, str], fill: Fill, lists: Any
) -> None:
    ann = somebody()
    for account in ALL:
        fill(account, BOUNCES[account], ann)
    rig[0].behave("sendgrid", fault="unauthorized")
    rig[0].behave("mailgun", fault="refuse_connection")
    changes = {"RESEND_API_KEY": "", "SES_SECRET_ACCESS_KEY": "wrong"}
    done = run(
        "suppressions", "lift", ann, "--at-providers", **at | changes | {"PROVIDERS": ",".join((*ALL, "mailgun:eu"))}
    )
    _, sendgrid, mailgun, ses, resend, eu = done.stdout.splitlines()
    assert done.exit_code == 1
    assert sendgrid.startswith("sendgrid: failed: 401 ")
    assert sendgrid.endswith(f"; by hand: {registry.limits('sendgrid').own_list.value}")
    assert mailgun.startswith("mailgun: failed: no answer: ConnectError")
    assert ses.startswith("ses: failed: 403 SignatureDoesNotMatch")
    assert resend.startswith("resend: failed: RESEND_API_KEY is not set")
    assert eu == "mailgun:eu: was not there"
    assert at["SENDGRID_API_KEY"] not in done.output


def test_a_list_without_an_api_is_cleared_by_hand(run: Run, at: dict[str, str], server: ProviderServer) -> None:
    server.statuses["/suppressions"] = 404  # a team that is not in the beta
    beside = at | {"PROVIDERS": "resend", "RESEND_BASE_URL": server.url}
    done = run("suppressions", "lift", somebody(), "--at-providers", **beside)
    by_hand = registry.limits("resend").own_list.value
    assert (done.exit_code, done.stdout.splitlines()[1]) == (
        0,
        f"resend: cannot be cleared by API; by hand: {by_hand}",
    )
    taken = run("suppressions", "import", "--from", "resend", **beside)
    assert (taken.exit_code, taken.stderr) == (1, f"resend: its list cannot be read by API; it is at: {by_hand}\n")


def test_the_options_belong_together(run: Run, at: dict[str, str]) -> None:
    alone = run("suppressions", "lift", "ann@example.com", "--also", "complained", **at)
    assert (alone.exit_code, alone.stdout) == (1, "")
    assert "--at-providers" in alone.stderr
    nowhere = run("suppressions", "lift", "ann@example.com", "--at-providers", **at | {"PROVIDERS": ""})
    assert (nowhere.exit_code, nowhere.stderr.partition(":")[0]) == (1, "PROVIDERS is not set")


# Taking a list over


@pytest.mark.parametrize("account", ALL)
def test_every_reason_is_taken_over_with_its_time_and_a_second_run_changes_nothing(
    run: Run, at: dict[str, str], fill: Fill, account: str
) -> None:
    dead, angry, gone = somebody(), somebody(), somebody()
    fill(account, BOUNCES[account], dead, words=DEAD, age_days=100)
    fill(account, COMPLAINTS[account], angry, age_days=600)
    if account in UNSUBSCRIBES:
        fill(account, UNSUBSCRIBES[account], gone, age_days=600)
    done = run("suppressions", "import", "--from", account, **at)
    assert done.exit_code == 0, done.output
    taken = 3 if account in UNSUBSCRIBES else 2
    assert done.stdout.splitlines()[0] == f"{account}: {taken} read, {taken} taken over, 0 kept, 0 skipped"
    now_ms = time.time() * 1000
    assert set(known(dead)) == {Reason.HARD_BOUNCE}
    assert known(angry)[Reason.COMPLAINED] == pytest.approx(now_ms - 600 * DAY_MS, abs=60_000)
    assert set(known(gone)) == ({Reason.UNSUBSCRIBED} if account in UNSUBSCRIBES else set())
    entry = Suppressions(ADDRESS_SECRET).get(dead)
    assert entry.suppressions[Reason.HARD_BOUNCE].evidence.startswith(f"{account}, its own list, ")
    before = [Suppressions(ADDRESS_SECRET).get(one) for one in (dead, angry, gone)]
    again = run("suppressions", "import", "--from", account, **at)
    assert again.stdout.splitlines() == [
        f"{account}: {taken} read, 0 taken over, {taken} kept, 0 skipped",
        f"  {taken} kept: on our list already, for as long or longer",
    ]
    assert [Suppressions(ADDRESS_SECRET).get(one) for one in (dead, angry, gone)] == before


@pytest.mark.parametrize(
    "account", [pytest.param(account, marks=[] if account == "resend" else [pytest.mark.full]) for account in ALL]
)
def test_all_pages_are_read(run: Run, at: dict[str, str], fill: Fill, account: str) -> None:
    count = {"ses": 1001, "resend": 2 * RESEND_PAGE}.get(account, 2 * PAGE_SIZE)
    fill(account, BOUNCES[account], *(f"{number}@{account}.example.com" for number in range(count)), words=DEAD)
    done = run("suppressions", "import", "--from", account, **at)
    assert done.stdout.splitlines()[0] == f"{account}: {count} read, {count} taken over, 0 kept, 0 skipped"


def test_what_is_no_suppression_is_skipped_and_said(run: Run, at: dict[str, str], fill: Fill) -> None:
    full, blocked, old, news = somebody(), somebody(), somebody(), somebody()
    fill("sendgrid", "blocks", blocked)
    fill("sendgrid", "bounces", full, words="552 5.2.2 mailbox full")
    fill("sendgrid", "invalid_emails", old, age_days=181)
    done = run("suppressions", "import", "--from", "sendgrid", **at)
    assert done.stdout.splitlines() == [
        "sendgrid: 2 read, 0 taken over, 0 kept, 2 skipped",
        "  1 skipped: the provider's words are of no dead mailbox",
        "  1 skipped: so old that it would have ended here",
    ]
    fill("mailgun", "unsubscribes", news, scopes=["news"])
    scoped = run("suppressions", "import", "--from", "mailgun", **at)
    assert scoped.stdout.splitlines()[1].startswith("  1 skipped: an unsubscribe from one group or tag only")
    assert [known(one) for one in (full, blocked, old, news)] == [{}, {}, {}, {}]


def test_the_stronger_reason_stays_and_who_was_lifted_later_stays_free(
    run: Run, at: dict[str, str], fill: Fill
) -> None:
    held, lifted, complained = somebody(), somebody(), somebody()
    run("suppressions", "add", held, "--note", "legal hold", **at)
    run("suppressions", "add", lifted, "--note", "seen", "--reason", "complained", **at)
    run("suppressions", "lift", lifted, **at)
    fill("ses", "COMPLAINT", held, lifted, complained)
    done = run("suppressions", "import", "--from", "ses", **at)
    assert done.stdout.splitlines() == [
        "ses: 3 read, 2 taken over, 0 kept, 1 skipped",
        "  2 taken over: complained 2",
        "  1 skipped: lifted here, or taken back by the recipient, later than the provider's entry",
    ]
    entry = Suppressions(ADDRESS_SECRET).get(held)
    shown = entry.in_force(int(time.time() * 1000))
    assert shown is not None
    assert (shown.reason, shown.evidence, set(entry.suppressions)) == (
        Reason.MANUAL,
        "legal hold",
        {Reason.MANUAL, Reason.COMPLAINED},
    )
    assert known(lifted) == {}
    assert set(known(complained)) == {Reason.COMPLAINED}
    assert LASTS_MS[Reason.COMPLAINED] == 730 * DAY_MS


def test_the_keys_are_read_where_the_installation_keeps_them_and_the_environment_counts_more(
    run: Run, at: dict[str, str], fill: Fill, lists: Any
) -> None:
    ann = somebody()
    fill("sendgrid", "bounces", ann)
    manager: Any = botocore.session.get_session().create_client("secretsmanager", region_name=REGION)
    kept = {"ADDRESS_SECRET": ADDRESS_SECRET, "SENDGRID_API_KEY": at["SENDGRID_API_KEY"]}
    manager.create_secret(Name="test/keys", SecretString=json.dumps(kept))
    deployed = at | {"PROVIDERS": "sendgrid", "SECRET_NAME": "test/keys", "ADDRESS_SECRET": ""}
    other = run("suppressions", "lift", ann, "--at-providers", **deployed | {"SENDGRID_API_KEY": "SG.another"})
    assert other.exit_code == 1
    assert "failed: 401" in other.stdout
    done = run("suppressions", "lift", ann, "--at-providers", **deployed | {"SENDGRID_API_KEY": ""})
    assert (done.exit_code, done.stdout.splitlines()[1]) == (0, "sendgrid: cleared from bounces")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"SENDGRID_API_KEY": "SG.k…y"}, "SENDGRID_API_KEY: has a control or non-ASCII character"),
        ({"SENDGRID_BASE_URL": "http://elsewhere.example"}, "SENDGRID_BASE_URL: must look like https://HOST/PATH"),
    ],
)
def test_a_malformed_variable_is_a_failure_of_that_account(
    run: Run, at: dict[str, str], changes: dict[str, str], why: str
) -> None:
    broken = at | changes | {"PROVIDERS": "sendgrid,mailgun"}
    done = run("suppressions", "lift", somebody(), "--at-providers", **broken)
    _, sendgrid, mailgun = done.stdout.splitlines()
    assert (done.exit_code, mailgun) == (1, "mailgun: was not there")
    assert sendgrid.startswith("sendgrid: failed: ")
    assert why in sendgrid
    assert "k…y" not in done.output


def test_a_list_that_breaks_off_is_said(run: Run, rig: tuple[Rig, Path], at: dict[str, str]) -> None:
    rig[0].behave("mailgun", fault="server_error")
    done = run("suppressions", "import", "--from", "mailgun", **at)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("mailgun: failed: 500 ")
    assert done.stderr.endswith("; what was taken over stays, and the same command goes on\n")


@pytest.mark.parametrize(("account", "why"), [("nobody", "'nobody' is not one of"), ("Mail gun", "--from:")])
def test_an_account_that_is_none_is_refused(run: Run, at: dict[str, str], account: str, why: str) -> None:
    done = run("suppressions", "import", "--from", account, **at)
    assert (done.exit_code, done.stdout) == (1, "")
    assert why in done.stderr
