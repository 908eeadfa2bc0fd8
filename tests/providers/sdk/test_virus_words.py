"""Which words of a provider say that it found a virus."""

import pytest

from app.providers.sdk import virus


@pytest.mark.parametrize(
    "words",
    [
        *("Virus detected", "Message contains a virus", "attachment infected with malware", "The file is infected"),
        *("VIRUS FOUND: Eicar-Test-Signature", "malware was identified in invoice.zip", "virus detected; dropped"),
    ],
)
def test_a_virus_that_was_found(words: str) -> None:
    assert virus.is_found(words)


@pytest.mark.parametrize(
    "words",
    [
        *(
            "",
            "Spam Content",
            "virus scanner timed out",
            "no virus found",
            "not scanned for viruses",
            "Policy violation",
        ),
        *("possible spam/virus content", "reached_daily_quota", "bulk mail", "the content was found objectionable"),
    ],
)
def test_what_says_no_such_thing(words: str) -> None:
    assert not virus.is_found(words)
