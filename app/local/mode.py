"""Local mode's API key and its error. `app.settings.is_local` says whether a process runs in local mode."""

API_KEY = "em_local_development"
"""The API key that local mode creates: it has all scopes, and may send from any domain."""

API_KEY_NAME = "local development"

TEST_KEY = "em_test_local_development"
"""The test key that local mode creates: what it sends goes to the sandbox."""

TEST_KEY_NAME = "local tests"


class LocalError(Exception):
    """Local mode cannot start. The message is one line that says why and what to do."""
