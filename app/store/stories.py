"""Reads all that is stored of one email at once: its head, its content and its events share a partition."""

from typing import Any

from app.domain.email import Content
from app.domain.event import ProviderEvent
from app.domain.head import Head
from app.store.content import Contents, content_part, read_parts
from app.store.events import FIRST, LAST, read_events
from app.store.head_items import PART, read_head


class Stories:
    """Reads stories. `contents` is asked for an object only if the small fields of a content are not in its item."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    def of(self, email_id: str) -> tuple[Head, Content | None, list[ProviderEvent]] | None:
        """The head, the content without its texts and files, and the events in the order of the providers' times.

        One strongly consistent query reads them. None: there is no such email. The content is None if it is missing or
        damaged. Raises Unreadable for a head that this version cannot read, and ServiceUnavailable if an object is
        needed and the bucket does not answer.
        """
        items: dict[str, Any] = {raw["part"]["S"]: raw for raw in read_parts(email_id, LAST)}
        if PART not in items:
            return None
        head = read_head(items[PART])
        events = read_events(raw for part, raw in items.items() if part.startswith(FIRST))
        return head, self._contents.details(head, items.get(content_part(head))), events
