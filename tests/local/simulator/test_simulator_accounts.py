"""Two accounts of one provider: told apart in everything, whichever provider it is."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.local import environment
from app.local.simulator import accounts
from app.providers import registry
from tests.local.simulator.rig import CASES, Rig, case_of

PROVIDERS = tuple(registry.PROVIDERS)
SIMULATOR = Path(accounts.__file__).parent


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Every provider with two accounts."""
    both = [account for name in PROVIDERS for account in (name, f"{name}:eu")]
    with Rig(tmp_path_factory.mktemp("keys"), "--accounts", ",".join(both)) as rig:
        yield rig


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_accepts_its_own_credentials_only(rig: Rig, provider: str) -> None:
    case, other = CASES[provider], f"{provider}:eu"

    assert rig.http.send(case.call(rig.base_url(other), other, "own")).is_success
    for account, key_of in ((provider, other), (other, provider)):
        answer = rig.http.send(case.call(rig.base_url(account), key_of, "foreign"))
        assert answer.status_code in (401, 403)
    assert rig.inbox("foreign") == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_inbox_and_the_webhooks_name_the_account(rig: Rig, provider: str) -> None:
    for account in (provider, f"{provider}:eu"):
        eid = rig.send(account)
        assert [entry["provider"] for entry in rig.inbox(eid)] == [account]
        heard, told = rig.reported(eid, case_of(account).posts)
        assert {webhook.account for webhook in heard} == {account}
        assert len(told) == 3


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_signs_with_a_key_of_its_own(rig: Rig, provider: str) -> None:
    eid = rig.send(f"{provider}:eu")

    for webhook in rig.receiver.wait(eid, CASES[provider].posts):
        assert rig.is_genuine(webhook)
        assert not rig.is_genuine(webhook, of=provider)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_fault_is_one_accounts(rig: Rig, provider: str) -> None:
    rig.behave(f"{provider}:eu", fault="refuse_connection")
    before = rig.control.get("/providers").json()
    try:
        assert rig.http.send(rig.letter(provider)[1]).is_success
        with pytest.raises(httpx.ConnectError):
            rig.http.send(rig.letter(f"{provider}:eu")[1])
    finally:
        rig.behave(f"{provider}:eu")
    after = rig.control.get("/providers").json()
    assert after[provider]["calls"] == before[provider]["calls"] + 1
    assert after[f"{provider}:eu"]["calls"] == before[f"{provider}:eu"]["calls"]


def test_a_subscription_is_confirmed_for_the_account_that_asked(rig: Rig) -> None:
    asked = [
        account
        for account in rig.ready["providers"]
        if rig.control.post("/subscription", json={"provider": account}).status_code == 200
    ]
    assert len(asked) >= 2
    for account in asked:
        webhook = next(one for one in rig.receiver.about("SubscriptionConfirmation") if one.account == account)
        (url,) = set(re.findall(rb'"SubscribeURL": "([^"]+)"', webhook.body))
        confirmed = rig.control.get("/confirm", params={"url": url.decode()}).json()
        assert confirmed["provider"] == account


def test_shared_files_name_no_provider() -> None:
    names = re.compile(rf"(?<![a-z])({'|'.join(PROVIDERS)})(?![a-z])", re.IGNORECASE)
    files = [path for folder in (SIMULATOR, SIMULATOR.parent) for path in folder.glob("*.py")]
    found = {path.name: names.findall(path.read_text()) for path in files}
    assert len(files) > 25
    # The local default is the one place.
    assert {name: named for name, named in found.items() if named} == {
        "environment.py": environment.PROVIDERS.split(",")
    }
