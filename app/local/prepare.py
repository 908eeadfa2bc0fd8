"""Makes what an installation in local mode has from its first start on: tables, API keys, seeds."""

from app.local.mode import API_KEY, API_KEY_NAME, TEST_KEY, TEST_KEY_NAME, LocalError
from app.local.seeds import seed
from app.store import tables
from app.wiring.parts import Container


def prepare(parts: Container) -> None:
    """Create the tables, the API keys that everybody knows, and what the documentation's examples name.

    It may be repeated: a revoked key stays revoked, and what is there stays as it is.

    Raises LocalError if another version, with other keys or indexes, has made the tables.
    """
    tables.create_all()
    if tables.of_another_version():
        raise LocalError("what DATA_DIR holds was made by another version: delete that folder, or set DATA_DIR")
    parts.api_keys.create(API_KEY_NAME, {"send", "read", "admin"}, (), API_KEY)
    parts.api_keys.create(TEST_KEY_NAME, {"send", "read"}, (), TEST_KEY, is_test=True)
    seed(parts)
