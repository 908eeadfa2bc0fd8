"""Our own API, as any of its clients calls it: over HTTP, with the local key."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

READ_S: Final = 3.0
SEND_S: Final = 20.0
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ACCOUNT: Final = re.compile(r"[a-z0-9_]+(:[a-z0-9]+)?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered: the status and the JSON object."""

    status: int
    body: Mapping[str, Any]

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300


class Api:
    """The API at `url`. Each method returns None if it does not answer, or not in JSON."""

    def __init__(self, url: str, key: str, session: aiohttp.ClientSession) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}
        self._session = session

    async def providers(self) -> dict[str, Mapping[str, Any]] | None:
        """The health of each account by its name."""
        answer = await self._call("GET", "/v1/providers", READ_S)
        if answer is None or not answer.is_success:
            return None
        return {each["name"]: each for each in answer.body["providers"]}

    async def story(self, email_id: str) -> Answer | None:
        """The story of an email, or a 404."""
        if _ID.fullmatch(email_id) is None:
            return Answer(404, {})
        return await self._call("GET", f"/v1/emails/{email_id}", READ_S)

    async def send(self, email: Mapping[str, Any]) -> Answer | None:
        """Send an email. The answer may be a problem that names fields."""
        return await self._call("POST", "/v1/emails", SEND_S, email)

    async def send_all(self, emails: list[Mapping[str, Any]]) -> list[Answer | None]:
        """Send several emails at once."""
        return list(await asyncio.gather(*map(self.send, emails)))

    async def pause(self, account: str) -> Answer | None:
        """Let nothing be sent through the account."""
        return await self._change(account, "pause")

    async def resume(self, account: str) -> Answer | None:
        """Clear the account's pause, breaker, cooldown and weight."""
        return await self._change(account, "resume")

    async def _change(self, account: str, verb: str) -> Answer | None:
        if _ACCOUNT.fullmatch(account) is None:
            return Answer(404, {})
        return await self._call("POST", f"/v1/providers/{account}/{verb}", READ_S)

    async def _call(
        self, method: str, path: str, timeout_s: float, body: Mapping[str, Any] | None = None
    ) -> Answer | None:
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        call = self._session.request(method, self.url + path, json=body, headers=self._headers, timeout=timeout)
        try:
            async with call as answer:
                found = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None
        return Answer(answer.status, found) if isinstance(found, dict) else None
