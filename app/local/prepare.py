"""What every installation on this machine has from its first start on."""

from app.local.mode import API_KEY
from app.store import tables
from app.store.api_keys import ApiKeys


def prepare(api_keys: ApiKeys) -> None:
    """Create the tables, and the API key that the README uses. It may be repeated."""
    tables.create_all()
    api_keys.create("local development", {"send", "read", "admin"}, (), API_KEY)
