"""What the clients of a random run ask to be accepted, alone and in batches, what they are answered, and what must hold
for these answers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from app.delivery.drafts import Accepted, Answer, Requested
from app.domain.email import fingerprint
from app.domain.head import Head
from app.domain.key_hash import key_hash
from app.domain.project import of_test_keys
from app.domain.shards import shard_of
from app.errors import Conflict, Invalid, ServiceUnavailable

if TYPE_CHECKING:
    from tests.support.random_run import FaultPoint, RandomRun

PROJECT = "team"
SHARDS = (0, 1)
MOST_OF_BATCH = 20


@dataclass(frozen=True)
class Item:
    """One email of a batch. With `again` it is an earlier request, or, with `with_key`, this one under that key."""

    request: Requested  # its key: whether it gets one
    again: int | None = None
    with_key: bool = False


class Requests:
    """The requests of one run. `promised` are the emails that were accepted for a client, who knows it."""

    def __init__(self, run: "RandomRun") -> None:
        self.run = run
        self.ids: dict[str, None] = {}  # of all emails that may have been stored, in the order of their requests
        self.promised: set[str] = set()
        self.met: Counter[str] = Counter()
        self._asked: list[tuple[str, Requested]] = []  # with the project; each once
        self._of_key: dict[str, Head] = {}  # the email that each key is known to name, by the key's hash
        self._given = 0

    def accept(self, request: Requested, *, is_test: bool = False, point: "FaultPoint" = None) -> None:
        """Accept a new email. If the process dies, the client does not learn that it was accepted."""
        project = _project(is_test=is_test)
        request = replace(request, key=f"key-{len(self._asked)}")
        self._asked.append((project, request))
        self._ask(project, [request], point, alone=True)

    def ask_again(self, number: int, point: "FaultPoint" = None) -> None:
        """Accept an earlier request again, which the client repeats."""
        project, request = self._asked[number % len(self._asked)]
        self._ask(project, [request], point, alone=True)

    def accept_batch(self, items: Sequence[Item], *, is_test: bool = False, point: "FaultPoint" = None) -> None:
        """Accept a batch, in which some items may be earlier requests of the project, also of this batch."""
        project, batch = _project(is_test=is_test), []
        for item in items:
            earlier = [request for of, request in self._asked if of == project]
            request = item.request
            if item.again is not None and earlier:
                known = earlier[item.again % len(earlier)]
                request = replace(request, key=known.key) if item.with_key else known
            elif request.key is not None:
                request = replace(request, key=f"key-{len(self._asked)}")
            if request not in earlier:
                self._asked.append((project, request))
            batch.append(request)
        self.met["in batches"] += len(batch)
        self._ask(project, batch, point)

    def repeat_everything(self) -> None:
        """Repeat all requests that have a key, in batches: what was accepted is answered as it was."""
        for project in (PROJECT, of_test_keys(PROJECT)):
            again = [request for of, request in self._asked if of == project and request.key is not None]
            for at in range(0, len(again), MOST_OF_BATCH):
                self._ask(project, again[at : at + MOST_OF_BATCH], None)

    def _ask(self, project: str, batch: Sequence[Requested], point: "FaultPoint", *, alone: bool = False) -> None:
        new = [self._new_id() for _ in batch]
        self.ids |= dict.fromkeys(new)
        given = iter(new)
        accept = replace(self.run.harness.accept, new_id=lambda: next(given))  # known, although the process dies
        answers: list[Answer] = []

        def ask() -> None:
            if not alone:
                answers.extend(accept.together(batch, project=project))
                return
            (one,) = batch
            try:
                answers.append(accept(one.email, project=project, key=one.key, lane=one.lane))
            except (ServiceUnavailable, Conflict, Invalid) as error:
                answers.append(error)

        if not self.run.attempt_to(point, ask):
            self.met["cut short"] += not alone
            return
        assert len(answers) == len(batch), "not every email of a batch is answered"
        for request, email_id, answer in zip(batch, new, answers, strict=True):
            self._see(project, request, email_id, answer, is_sure=point is None)
        if point is None:
            self._see_collapsed(answers)

    def _see(self, project: str, request: Requested, new_id: str, answer: Answer, *, is_sure: bool) -> None:
        """Check one answer. With `is_sure` nothing has failed meanwhile."""
        hashed = "" if request.key is None else key_hash(project, request.key)
        known = self._of_key.get(hashed)
        if not isinstance(answer, Accepted):
            assert isinstance(answer, ServiceUnavailable | Conflict | Invalid), f"answered {answer!r}"
            if is_sure:
                assert not isinstance(answer, ServiceUnavailable), "refused without any fault"
                assert known is None or known.fingerprint != fingerprint(request.email), "a repetition is refused"
                assert isinstance(answer, Conflict) is (known is not None), "a key is taken, or is not"
            self.met[f"answered {type(answer).__name__}"] += 1
            return
        email_id = answer.head.email_id
        assert answer.head.fingerprint == fingerprint(request.email), "answered with another email"
        assert answer.head.project == project, "answered with an email of another project"
        if hashed:
            assert known is None or (known.email_id, True) == (email_id, answer.replayed), "accepted twice"
            self._of_key[hashed] = answer.head
        else:
            assert (email_id, answer.replayed) == (new_id, False), "replayed without a key"
        if email_id != new_id:
            del self.ids[new_id]  # nobody has taken it
        self.met["replayed"] += answer.replayed
        self.met[f"lane {answer.head.lane}"] += 1
        self.met["test mail"] += answer.head.sandbox
        self.promised.add(email_id)
        self.run.touched.add(email_id)

    def _see_collapsed(self, answers: Sequence[Answer]) -> None:
        """Check that the last of those that may replace each other is the newest."""
        heads = [one.head for one in answers if isinstance(one, Accepted) and not one.replayed]
        for scope, email_id in {head.collapse_scope: head.email_id for head in heads if head.collapse_scope}.items():
            assert self.run.harness.collapses.newest(scope) == email_id, "an earlier email replaces a later one"

    def check_at_end(self) -> None:
        """Check that no key has two emails, and that our list has nobody because of test mail."""
        heads = self.run.heads()
        of_key = Counter(head.key_hash for head in heads if head.key_hash)
        assert [hashed for hashed, times in of_key.items() if times > 1] == [], "one key, two emails"
        keys = {key for head in heads if head.sandbox for key in head.recipients}
        for project in (PROJECT, of_test_keys(PROJECT)):
            assert not self.run.harness.suppressions.among(keys, self.run.clock.now_ms, project), "test mail suppresses"

    def _new_id(self) -> str:
        """An id in one of SHARDS, so that a sweep can skip the others."""
        self._given += 1
        return next(name for n in count() if shard_of(name := f"eml_{self._given}-{n}") in SHARDS)


def _project(*, is_test: bool) -> str:
    return of_test_keys(PROJECT) if is_test else PROJECT
