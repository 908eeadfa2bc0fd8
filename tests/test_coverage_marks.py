"""What is marked `no_cover` runs untraced: traced, it takes three times as long and shows no new line."""

import os
import sys
import threading

import coverage
import pytest

# This module is imported when the tests are collected, before anything is paused.
COLLECTOR = coverage.Coverage.current()


@pytest.mark.no_cover
def test_a_test_that_is_not_to_be_covered_is_not_traced() -> None:
    traces: list[object] = [sys.gettrace()]
    thread = threading.Thread(target=lambda: traces.append(sys.gettrace()))
    thread.start()
    thread.join()
    assert traces == [None, None]


@pytest.mark.no_cover
def test_neither_are_the_processes_that_it_starts() -> None:
    assert "COVERAGE_PROCESS_CONFIG" not in os.environ


def test_the_next_one_is_traced_again() -> None:
    assert coverage.Coverage.current() is COLLECTOR
