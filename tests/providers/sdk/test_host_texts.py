"""What real hosts say, read as a failed report: over all of them, no living mailbox may be taken for a dead one."""

import pytest

from app.providers.sdk.bounces import Label, Proven, Report, read
from tests.providers.sdk.host_texts import HOST_TEXTS, HostText, wordings

DEAD = [row for row in HOST_TEXTS if row.proves is Proven.HARD_BOUNCE]
LIVING = [row for row in HOST_TEXTS if row.proves is not Proven.HARD_BOUNCE]


def _failed(row: HostText, label: Label = Label.NONE) -> Report:
    return Report(action="failed", status=row.status, text=row.text, label=label)


@pytest.mark.parametrize("row", HOST_TEXTS, ids=lambda row: f"{row.host}: {row.text[:60]}")
def test_a_text_is_read_as_what_it_means(row: HostText) -> None:
    assert read(_failed(row)).proven is row.proves


def test_the_texts_are_many_of_many_hosts_and_each_has_a_dated_source() -> None:
    assert len(HOST_TEXTS) >= 200
    assert len({row.host for row in HOST_TEXTS}) >= 50
    assert [row for row in HOST_TEXTS if not row.source.endswith(")") or "(" not in row.source] == []


def test_no_living_mailbox_is_taken_for_a_dead_one_whatever_the_label() -> None:
    labels = [label for label in Label if label is not Label.UNKNOWN_RECIPIENT]
    assert [row for row in LIVING for label in labels if read(_failed(row, label)).proven is Proven.HARD_BOUNCE] == []


def test_a_status_of_5_1_1_beside_words_about_us_or_the_mailbox_kills_nobody() -> None:
    """Hosts and relays put 5.1.1 beside anything."""
    words = [row for row in LIVING if row.proves in (Proven.BLOCKED, Proven.MAILBOX_CONDITION)]
    assert [row for row in words if read(Report("failed", "5.1.1", "", row.text)).proven is Proven.HARD_BOUNCE] == []


def test_nearly_all_dead_mailboxes_are_recognised_without_their_status_too() -> None:
    found = [row for row in DEAD if read(Report("failed", "", "", row.text)).proven is Proven.HARD_BOUNCE]
    assert len(found) >= 0.95 * len(DEAD)


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", "Delivered (to mailbox)"])
def test_no_text_makes_a_failure_of_another_action(action: str) -> None:
    readings = {read(Report(action, row.status, "", row.text, label)).proven for row in HOST_TEXTS for label in Label}
    assert readings == {Proven.DELAYED if action == "delayed" else Proven.NOT_A_FAILURE}


def test_no_text_makes_a_failure_of_what_may_be_an_automatic_reply() -> None:
    readings = {read(Report(status=row.status, text=row.text, label=Label.SAYS_NOTHING)).proven for row in HOST_TEXTS}
    assert readings == {Proven.NOT_A_FAILURE}


@pytest.mark.parametrize("text", wordings("more_dead"))
def test_an_unknown_recipient_is_recognised_in_many_languages(text: str) -> None:
    assert read(Report(action="failed", text=text)).proven is Proven.HARD_BOUNCE


@pytest.mark.parametrize("text", wordings("more_living"))
def test_nobody_is_dead_by_words_about_something_else_in_many_languages(text: str) -> None:
    assert read(Report(action="failed", text=text)).proven is not Proven.HARD_BOUNCE
