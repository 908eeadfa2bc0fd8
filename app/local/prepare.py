"""What every installation on this machine has from its first start on."""

from app.local.mode import API_KEY, API_KEY_NAME, LocalError
from app.store import tables
from app.store.api_keys import ApiKeys


def prepare(api_keys: ApiKeys) -> None:
    """Create the tables, and the API key that the README uses. It may be repeated: a revoked key stays revoked.

    Raises LocalError if another version, with other keys or indexes, has made the tables.
    """
    tables.create_all()
    if tables.of_another_version():
        raise LocalError("what DATA_DIR holds was made by another version: delete that folder, or set DATA_DIR")
    api_keys.create(API_KEY_NAME, {"send", "read", "admin"}, (), API_KEY)
