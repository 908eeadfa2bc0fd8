"""Keeps the tokens of transactions: one that comes again with its token is not made again, as on AWS.

A client sends a transaction again if it missed the answer, and a killed emulator answers nobody.
"""

import json
from typing import Any, Final

from .commits import Commits
from .journal import Describe, Journal, Put, Remove
from .notes import Notes

LIFETIME_S: Final = 600.0
"""How long a token counts."""

_PLACE: Final = "tokens of transactions"


class Tokens:
    """The tokens that ministack's module `dynamodb`, which is passed in, remembers."""

    def __init__(self, dynamodb: Any, commits: Commits) -> None:
        self._tokens, self._commits = dynamodb._txn_idempotency, commits
        self._kept: set[str] = set()  # names of those in the journal

    def load(self, journal: Journal) -> None:
        """Read them from the journal."""
        for name, made in journal.entries(_PLACE):
            self._tokens._data[tuple(json.loads(name))] = made
            self._kept.add(name)

    def note(self, notes: Notes, request: bytes) -> None:
        """Note the token of a transaction, unless it was made before. If it is taken back, it may come again."""
        key = self._tokens._scoped(json.loads(request).get("ClientRequestToken"))
        name = json.dumps(key)
        if not notes.changes or key not in self._tokens._data:
            return

        def undo() -> None:
            self._tokens._data.pop(key, None)
            self._kept.discard(name)

        notes.changes += [Describe(_PLACE, None), Put(_PLACE, name, self._tokens._data[key])]
        notes.undo.append(undo)
        self._kept.add(name)

    def forget(self, now_s: float) -> None:
        """Forget the old ones. Raises NotKept."""
        tokens = self._tokens._data
        for key, made in list(tokens.items()):
            if now_s - made["completed_at"] >= LIFETIME_S:
                del tokens[key]
        gone = self._kept - {json.dumps(key) for key in tokens}
        if gone:
            self._kept -= gone
            self._commits.add([Remove(_PLACE, name) for name in gone], lambda: self._kept.update(gone))
