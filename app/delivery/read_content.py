"""read content: what an email says, its files, and the whole of it as MIME."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from app.delivery.reading_ports import StoredContents
from app.domain.email import Content, Mailbox, Message, Role
from app.domain.head import Head
from app.errors import Conflict, NotFound, Unreadable

LOST = "the content of this email is missing or damaged in the store; its story is not: GET /v1/emails/{id}"


@dataclass(frozen=True)
class ReadContent:
    """Reads the content of one email. `render` writes MIME, and raises ValueError for what has no such form."""

    contents: StoredContents
    render: Callable[[Message], bytes]

    def __call__(self, email_id: str, project: str | None) -> tuple[Head, Content]:
        """The head and the content of an email of `project` (None: of any).

        Raises NotFound if there is no such email or its content is lost, Unreadable, and ServiceUnavailable.
        """
        try:
            found = self.contents.whole(email_id)
        except Unreadable as unreadable:
            if unreadable.hidden_from(project):
                raise NotFound("no such email") from None
            raise
        if found is None or project not in (None, found[0].project):
            raise NotFound("no such email")
        head, content = found
        if content is None:
            raise NotFound(LOST.replace("{id}", email_id))
        return head, content

    def raw(self, email_id: str, project: str | None) -> bytes:
        """The whole email as MIME: as the first call brings it to a provider that takes MIME, dated at its acceptance.

        It never names those in bcc. Raises as the content does, and Conflict if the email has no such form.
        """
        head, content = self(email_id, project)
        try:
            mime = self.render(_message(head, content))
        except ValueError as why:
            raise Conflict(f"this email has no form in MIME: {why}") from None
        date = format_datetime(datetime.fromtimestamp(head.created_at_ms // 1000, UTC))
        return f"Date: {date}\r\n".encode() + mime


def _message(head: Head, content: Content) -> Message:
    to, cc = _boxes(head, Role.TO, content), _boxes(head, Role.CC, content)
    first = head.attempts[0].original_number if head.attempts else 1
    return Message(
        email_id=head.email_id,
        attempt=first,
        sender=head.sender,
        to=to,
        cc=cc,
        bcc=(),
        visible_to=to,
        visible_cc=cc,
        content=content.with_files_shown(),
        tracking=head.tracking,
    )


def _boxes(head: Head, role: Role, content: Content) -> tuple[Mailbox, ...]:
    return tuple(
        Mailbox(recipient.address, content.names.get(key, ""))
        for key, recipient in head.recipients.items()
        if recipient.role is role
    )
