"""Pages of other sites, and names that somebody else has pointed here, are refused; programs and the page are not."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.local.simulator.rig import Rig


@pytest.fixture(scope="module")
def site(rig: Rig) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=rig.ready["control_url"], timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("keys"), "--accounts", "ses", "--api-url", "http://127.0.0.1:9") as rig:
        yield rig


FORMS = ("/send", "/send/one", "/send/ten", "/messages/clear", "/accounts/ses/switch", "/accounts/ses/pause",
         "/accounts/ses/resume", "/control/subscription", "/control/providers/ses/webhook")  # fmt: skip
FOREIGN = (
    {"Origin": "https://example.com"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://127.0.0.1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Host": "example.com"},
)


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("path", FORMS)
def test_no_other_page_can_post(site: httpx.Client, path: str, headers: dict[str, str]) -> None:
    answer = site.post(path, data={"fault": "hang"}, headers=headers)
    assert answer.status_code == 403
    assert answer.text.startswith("Refused: ")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_no_other_page_can_change_anything_by_another_method(site: httpx.Client, method: str) -> None:
    for path in ("/control/messages", "/control/providers/ses", "/"):
        assert site.request(method, path, headers={"Origin": "https://example.com"}).status_code == 403


@pytest.mark.parametrize("path", ["/", "/control/messages", "/messages/1/frame", "/static/live.js"])
def test_a_name_that_was_pointed_here_reads_nothing(site: httpx.Client, path: str) -> None:
    assert site.get(path, headers={"Host": "rebound.example.com:8025"}).status_code == 403


def test_the_page_itself_and_programs_may_post(site: httpx.Client) -> None:
    own = str(site.base_url).rstrip("/")
    for headers in ({}, {"Origin": own, "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert site.post("/messages/clear", headers=headers).status_code == 303
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert site.get("/", headers=link).status_code == 200  # a link on another page
    assert site.get("/control/messages", headers=link).status_code == 403


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_no_other_page_can_read_or_use_a_simulated_provider(
    rig: Rig, site: httpx.Client, headers: dict[str, str]
) -> None:
    for path in ("/", "/control/messages", "/static/live.js"):
        assert site.get(path, headers=headers).status_code == 403
    with httpx.Client(base_url=rig.ready["providers"]["ses"]) as ses:
        refused = ses.post("/v2/email/outbound-emails", headers=headers)
        assert (refused.status_code, refused.text[:8]) == (403, "Refused:")
        assert "Refused" not in ses.post("/v2/email/outbound-emails").text


def test_a_host_name_of_a_setting_is_this_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_HOSTS", "dev.example")
    with Rig(tmp_path, "--accounts", "ses", "--api-url", "http://127.0.0.1:9") as rig:
        named = {"Host": "dev.example:8025", "Origin": "https://dev.example:8025"}
        assert httpx.get(f"{rig.ready['control_url']}/", headers=named).status_code == 200
