"""Tasks for the backlog, which the tests make up."""

from dataclasses import dataclass, field

from app.domain.lane import Lane
from app.local.invocation import LambdaEvent


@dataclass(frozen=True)
class Job:
    """A task that remembers how it was settled."""

    email_id: str
    attempt: int = 1
    has_key: bool = True
    lane: Lane = Lane.NORMAL
    settled: list[bool] = field(default_factory=list, compare=False)

    @property
    def key(self) -> tuple[str, int] | None:
        return (self.email_id, self.attempt) if self.has_key else None

    def event(self) -> LambdaEvent:
        record = {"messageId": self.email_id, "attributes": {"ApproximateReceiveCount": "1"}}
        return {"Records": [record]}

    def settle(self, *, is_done: bool) -> None:
        self.settled.append(is_done)
