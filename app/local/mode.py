"""What local mode says of itself. Whether it is on: `app.settings.is_local`."""

API_KEY = "em_local_development"
"""The ready API key of local mode: all scopes, any From."""


class LocalError(Exception):
    """Local mode cannot start: one line that says why and what to do."""
