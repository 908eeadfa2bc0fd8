"""Patterns that are compiled when they are first asked: most processes never read a failure report.

Compiling all of them takes a tenth of a second of CPU (measured 2026-11-28), too much for the start of every function.
"""

import re
from functools import cached_property

from app.providers.sdk.bounces.words import fold


class Pattern:
    """A regular expression, compiled on the first search. `folded`: it is written as hosts write, and folded as
    their words are."""

    def __init__(self, expression: str, *, ignore_case: bool = False, folded: bool = False) -> None:
        self._expression, self._folded = expression, folded
        self._flags = re.IGNORECASE if ignore_case else re.NOFLAG

    def search(self, text: str) -> bool:
        """Whether it is somewhere in the text."""
        return bool(self._compiled.search(text))

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(fold(self._expression) if self._folded else self._expression, self._flags)


def phrases(*alternatives: str, spaced: bool = True) -> Pattern:
    """Phrases, folded as the words are. Whole words only, unless the script has no spaces between them."""
    any_of = "|".join(alternatives)
    return Pattern(rf"(?<!\w)(?:{any_of})(?![\w'])" if spaced else any_of, folded=True)
