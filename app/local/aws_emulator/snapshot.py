"""Which tables there were before a request, and everything that was known of them but their items."""

from copy import deepcopy
from typing import Any, Final

# What a table's dict holds beside its description: the items, and what is counted or derived from them.
OF_ITEMS: Final = frozenset({"items", "ItemCount", "TableSizeBytes", "_index_members"})


class Snapshot:
    """The tables of ministack's module `dynamodb`, which is passed in, as they are now."""

    def __init__(self, dynamodb: Any) -> None:
        self._tables = dynamodb._tables
        self._stores = (dynamodb._ttl_settings, dynamodb._pitr_settings, dynamodb._tags)
        self._held = [(key, table, _described(table)) for key, table in self._tables.all_items()]
        self._known = [deepcopy(store._data) for store in self._stores]
        # Which streams there are; what they hold is taken back by whoever has changed it.
        self._streams = [
            (store, dict(store._data))
            for store in (dynamodb._stream_records, dynamodb._stream_trimmed, dynamodb._closed_streams)
        ]

    def restore(self) -> None:
        """Go back to it. The tables keep the items that they have."""
        self._tables.clear()
        for key, table, description in self._held:
            for name in table.keys() - OF_ITEMS:
                del table[name]
            table.update(description)
            table.pop("_index_members", None)
            self._tables.set_scoped(*key, table)
        for store, known in [*zip(self._stores, self._known, strict=True), *self._streams]:
            store._data.clear()
            store._data.update(known)


def _described(table: dict[str, Any]) -> dict[str, Any]:
    return deepcopy({name: value for name, value in table.items() if name not in OF_ITEMS})
