"""What every installation on this machine has from its first start on."""

from app.local.mode import API_KEY, API_KEY_NAME
from app.store import tables
from app.store.api_keys import ApiKeys


def prepare(api_keys: ApiKeys) -> None:
    """Create the tables, and the API key that the README uses. It may be repeated: a revoked key stays revoked."""
    tables.create_all()
    api_keys.create(API_KEY_NAME, {"send", "read", "admin"}, (), API_KEY)
