"""Pages of other sites, and names that somebody else has pointed here, are refused; programs and the page are not."""

from collections.abc import Iterator

import httpx
import pytest

from app.local.playground.guard import foreign
from tests.local.simulator.rig import Rig


@pytest.fixture(scope="module")
def site(rig: Rig) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=rig.ready["control_url"], timeout=10) as client:
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
    assert site.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200  # a link on another page


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8025",
        "localhost:8025",
        "LOCALHOST",
        "[::1]:8025",
        "10.0.0.7",
        "app.localhost",
        "host.docker.internal:1",
    ],
)
def test_the_names_of_this_machine(host: str) -> None:
    assert foreign("GET", {"Host": host}) is None
    assert foreign("POST", {"Host": host, "Origin": f"http://{host}"}) is None


@pytest.mark.parametrize(
    "host",
    ["", "example.com", "localhost.example.com", "127.0.0.1.example.com", "notlocalhost", "[::1", "evil@", "a b"],
)
def test_the_names_of_others(host: str) -> None:
    assert foreign("GET", {"Host": host}) is not None
