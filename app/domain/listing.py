"""Which emails a listing shows, and in which order."""

from dataclasses import dataclass
from typing import Final

from app.domain.head import EmailStatus, Head, Recipient, Status, status
from app.domain.project import is_of_test_keys, plain
from app.domain.tags import found_by

Position = tuple[int, str]
"""(created_at in ms, email id): the position of an email in every listing. The newest comes first."""

FOR_EVER_MS: Final = 9_999_999_999_999  # a position has 13 digits, until the year 2286


@dataclass(frozen=True, slots=True)
class Known:
    """All the partitions into which an email was ever written: each of `projects` has `shards` of them."""

    shards: int
    projects: frozenset[str]

    @property
    def real(self) -> list[str]:
        """The projects that have real mail, in the order of their names."""
        return sorted(project for project in self.projects if not is_of_test_keys(project))

    @property
    def only_project(self) -> str:
        """The project of every real email that there ever was; "" if there are several, or none."""
        return self.real[0] if len(self.real) == 1 else ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which emails to list: those to which all of it applies. An empty field, or None, applies to every email.

    `recipient` is in lower case. `from_ms` is the first moment of acceptance, `to_ms` the one after the last. One
    recipient must fulfill all that is asked of recipients: the address, `recipient_status`, and that an attempt through
    the account `provider` was made for it, whatever its outcome. `with_tests`: the project's test mail is wanted, too.
    """

    project: str | None = None
    recipient: str = ""
    tag: str = ""
    status: EmailStatus | None = None
    from_ms: int = 0
    to_ms: int = FOR_EVER_MS
    recipient_status: Status | None = None
    provider: str = ""
    with_tests: bool = False

    def is_of(self, project: str) -> bool:
        """Whether emails that are kept under this project are wanted."""
        return self.project in (None, project) or (self.with_tests and self.project == plain(project))

    @property
    def has_more_than_an_index(self) -> bool:
        """Whether only an email's head tells that it is wanted: an index knows one thing of it, and the time."""
        of_recipient = self.recipient_status is not None or bool(self.provider)
        return self.status is not None or of_recipient or bool(self.recipient and self.tag)

    @property
    def _asks_of_a_recipient(self) -> bool:
        return bool(self.recipient or self.recipient_status or self.provider)

    def includes(self, head: Head, position: Position) -> bool:
        """Whether the email with this head is wanted, and is the one of which an index tells at `position`.

        An entry is written before its head, and stays if another request made the head.
        """
        return (
            head.created_at_ms == position[0]
            and self.is_of(head.project)
            and (
                not self._asks_of_a_recipient
                or any(self._includes_recipient(head, key, one) for key, one in head.recipients.items())
            )
            and (not self.tag or self.tag in found_by(head.tags))
            and (self.status is None or status(head.recipients.values()) is self.status)
        )

    def _includes_recipient(self, head: Head, key: str, recipient: Recipient) -> bool:
        return (
            self.recipient in ("", key)
            and self.recipient_status in (None, recipient.status)
            and (not self.provider or _went_through(head, key, self.provider))
        )


def _went_through(head: Head, key: str, provider: str) -> bool:
    """Whether an attempt through that account was for this recipient. Of those that are only counted, any was."""
    return provider in head.earlier or any(
        attempt.provider == provider and key in attempt.recipients for attempt in head.attempts
    )
