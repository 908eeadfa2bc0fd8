"""What reading stories and contents needs from outside, as protocols. `app.wiring` passes the real parts in."""

from typing import Protocol

from app.domain.email import Content
from app.domain.event import ProviderEvent
from app.domain.head import Head


class StoredContents(Protocol):
    """Reads contents for those who sent them."""

    def whole(self, email_id: str) -> tuple[Head, Content | None] | None:
        """The head and the content. None instead of both: there is no such email; of the second: it is lost.

        Raises Unreadable, and ServiceUnavailable if a content is not answered for now.
        """


class StoryStore(Protocol):
    """Reads stories."""

    def of(self, email_id: str) -> tuple[Head, Content | None, list[ProviderEvent]] | None:
        """The head, the content without its texts and files (None: it is lost), and the events. None: no such email.

        Raises Unreadable, and ServiceUnavailable if a content is not answered for now.
        """
