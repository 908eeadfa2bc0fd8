"""The names of the sandbox's accounts, which no PROVIDERS has: test keys send through these, and through no others."""

from typing import Final

ACCOUNTS: Final = ("sandbox", "sandbox:second")
"""In the order in which they are tried. The second is there so that a test email has somewhere to go next."""
