"""examples/: every program runs against an installation, and says what it should."""

import re
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.clients.conftest import KEY, ROOT, run
from tests.support.installation import Installation

EXAMPLES = ROOT / "examples"
SUFFIXES = {"python": ".py", "typescript": ".ts", "curl": ".sh"}
ID = r"eml_[a-z2-7]{26}"
REFUSED = "is being tried already|has been sent to|has got the email"
# What each program prints, in Python and TypeScript; and with curl, which prints the answers.
PRINTED = {
    "send_email": (rf"{ID} queued", r'"status":"queued"'),
    "send_files": (rf"{ID} queued", r'"cc":\["carol@example.net"\]'),
    "send_once": (ID, ID),
    "send_batch": (rf"{ID} queued\n{ID} queued\nto\[0\]: is not", r'"replayed":false(.|\n)*"field":"to\[0\]"'),
    "read_story": (
        rf"attempt 1, sendgrid: accepted\nevent, sendgrid: delivered\n{ID} delivered",
        r'"status":"delivered".*"kind":"delivered"',
    ),
    "send_test": (
        r"^bounced\+order-7@example.net: bounced, through sandbox\nfailover@.*: delivered, through sandbox:second$",
        r'"test":true.*"status":"bounced".*"status":"delivered"',
    ),
    "read_content": (
        "Thank you.\nreceipt.txt text/plain 11 bytes\nmessage/rfc822",
        r'"filename":"receipt.txt"(.|\n)*4711: 19.90\n(.|\n)*Subject: Your receipt',
    ),
    "list_emails": (r"Third\n.* Second\n.* First", r'"subject":"Third".*"subject":"Second"(.|\n)*"subject":"First"'),
    "follow_events": (
        r"^email.queued ann@example.net\nemail.sent ann@example.net\nemail.delivered ann@example.net$",
        r'"type":"email.queued"(.|\n)*"type":"email.delivered"',
    ),
    "receive_webhook": (r"^webhook.test verified$", r'"event_id":"evt_(.|\n)*"fault":"connection refused"'),
    "explain_email": ("sendgrid: available, healthy", '"state":"available","why":"healthy"'),
    "send_code": (rf"{ID} 20\d\d-", r'"status":"queued"'),
    "send_critical": (rf"{ID} sendgrid mailgun", r'"eligible_providers":\["sendgrid","mailgun"\]'),
    "read_errors": (
        r"422 urn:emailsminder:problem:invalid\nto\[0\]: is not an email address.*\nto\[1\]: is not",
        r'"field":"to\[1\]"(.|\n)*422',
    ),
    "suppress_address": (r"dave@example.net manual\n1 found\nlifted", r'"reason":"manual"'),
    "rotate_key": (
        r"rotated active [Tt]rue\nrotated \[ ?'send' ?\]\nending\nrevoked",
        r'"name":"rotated".*"state":"ending"',
    ),
    "pause_provider": (
        r"sendgrid paused\nsendgrid in use\nsendgrid: weight 100",
        r'"name":"sendgrid","weight":100,"paused":true(.|\n)*"name":"sendgrid","weight":100,"paused":false',
    ),
    "send_later": (
        r"^scheduled\nexpires a day after 20.*\ncanceled",
        r'"status":"scheduled"(.|\n)*"status":"canceled"',
    ),
    "retry_email": (rf"^queued until 20|{REFUSED}", rf'"status":"queued"|{REFUSED}'),
    "check_health": (r"ok\n(.|\n)*aws: ok", '"status":"ok"'),
}
# These need an email that waits: every account is paused for them.
WAITING = {"cancel_email": ("^canceled$", '"status":"canceled"'), "replace_email": (ID, ID)}


def names(language: str) -> set[str]:
    return {path.stem for path in (EXAMPLES / language).glob(f"*{SUFFIXES[language]}")}


@pytest.mark.parametrize("language", SUFFIXES)
def test_there_is_one_for_each_feature_and_the_page_lists_it(language: str) -> None:
    assert names(language) == {*PRINTED, *WAITING}
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    listed = re.findall(rf"\]\({language}/(\w+)\{SUFFIXES[language]}\)", page)
    assert sorted(listed) == sorted(names(language))


@pytest.fixture(scope="module")
def typescript() -> Path:
    """The folder with the programs in TypeScript, their packages and types; tsc has checked them strictly."""
    folder = ROOT / "build" / "examples"
    assert (folder / "node_modules").is_dir(), "npm's packages are missing: run `make clients`"
    for path in (EXAMPLES / "typescript").iterdir():
        if path.is_file():
            shutil.copy(path, folder / path.name)
    run(["npm", "run", "--silent", "types"], folder)
    run(["npm", "run", "--silent", "check"], folder)
    return folder


@pytest.fixture(scope="module")
def everything_waits(installation: Installation) -> Iterator[None]:
    """Every account is paused."""
    before = installation.api.get("/v1/providers").json()["providers"]
    others = [account["name"] for account in before if not account["paused"]]
    _each(installation, others, "pause")
    yield
    _each(installation, others, "resume")


def _each(installation: Installation, accounts: list[str], call: str) -> None:
    with ThreadPoolExecutor() as pool:  # each call answers once it is in force, some seconds later
        for answer in pool.map(lambda name: installation.api.post(f"/v1/providers/{name}/{call}"), accounts):
            answer.raise_for_status()


def printed(language: str, name: str, installation: Installation, typescript: Path | None = None) -> str:
    commands: dict[str, tuple[str | Path, ...]] = {
        "python": (sys.executable, EXAMPLES / "python" / f"{name}.py"),
        "typescript": ("npx", "--no-install", "tsx", f"{name}.ts"),
        "curl": (EXAMPLES / "curl" / f"{name}.sh",),
    }
    of_api = {"EMAILSMINDER_URL": str(installation.api.base_url).rstrip("/"), "EMAILSMINDER_KEY": KEY}
    return run(commands[language], typescript or EXAMPLES, of_api)


@pytest.mark.parametrize("name", PRINTED)
@pytest.mark.parametrize("language", ["python", "curl"])
def test_it_runs(installation: Installation, language: str, name: str) -> None:
    _check(printed(language, name, installation), PRINTED[name][language == "curl"])


@pytest.mark.npm
@pytest.mark.parametrize("name", PRINTED)
def test_it_runs_in_typescript(installation: Installation, typescript: Path, name: str) -> None:
    _check(printed("typescript", name, installation, typescript), PRINTED[name][0])


@pytest.mark.usefixtures("everything_waits")
@pytest.mark.parametrize("name", WAITING)
@pytest.mark.parametrize("language", ["python", "curl"])
def test_it_runs_while_an_email_waits(installation: Installation, language: str, name: str) -> None:
    _check_waiting(printed(language, name, installation), name, language, installation)


@pytest.mark.npm
@pytest.mark.usefixtures("everything_waits")
@pytest.mark.parametrize("name", WAITING)
def test_it_runs_in_typescript_while_an_email_waits(installation: Installation, typescript: Path, name: str) -> None:
    _check_waiting(printed("typescript", name, installation, typescript), name, "typescript", installation)


def _check_waiting(said: str, name: str, language: str, installation: Installation) -> None:
    _check(said, WAITING[name][language == "curl"])
    if name == "replace_email":
        newer, older = re.findall(ID, said)[:2] if language != "curl" else reversed(re.findall(ID, said)[:2])
        assert installation.ended(older)["status"] == "canceled"
        assert installation.story(newer)["status"] == "queued"


def _check(said: str, wanted: str) -> None:
    assert re.search(wanted, said, re.MULTILINE), said
