"""When an endpoint is told of a change, and when it is given up."""

from dataclasses import replace

from app.domain.change_types import ChangeType
from app.domain.endpoint import (
    FORGOTTEN_AFTER_MS,
    GIVEN_UP_AFTER_MS,
    HOUR_MS,
    PROBE_LASTS_MS,
    PROBED_AFTER_MS,
    PROBED_EVERY_MS,
    RETRY_AFTER_S,
    SKEW_MS,
    Calls,
    Disabled,
    Endpoint,
    calls,
    disable,
    enable,
    failed,
    moved,
    probed,
    retry_after_s,
    rotated,
    worked,
)

ENDPOINT = Endpoint("whe_1", "shop", "https://hooks.example.com/", 1000, (1000,))


def test_it_is_told_of_what_it_wants_while_it_is_enabled() -> None:
    assert all(ENDPOINT.wants(one) for one in ChangeType)
    some = replace(ENDPOINT, types=(ChangeType.BOUNCED,))
    assert [one for one in ChangeType if some.wants(one)] == [ChangeType.BOUNCED]
    assert not any(disable(ENDPOINT, Disabled.BY_USER, 5).wants(one) for one in ChangeType)


def test_a_rotation_begins_a_generation() -> None:
    assert rotated(rotated(ENDPOINT, 2000), 3000).began_ms == (1000, 2000, 3000)


def test_it_is_given_up_after_days_without_a_success() -> None:
    failing = failed(ENDPOINT, 500, 10)
    assert (failing.failing_since_ms, failing.disabled) == (10, None)
    assert failed(failing, None, 9 + GIVEN_UP_AFTER_MS) is failing
    given_up = failed(failing, None, 10 + GIVEN_UP_AFTER_MS)
    assert (given_up.disabled, given_up.disabled_at_ms) == (Disabled.FAILING, 10 + GIVEN_UP_AFTER_MS)
    assert failed(worked(failing), 503, 10 + GIVEN_UP_AFTER_MS).disabled is None
    assert worked(ENDPOINT) is ENDPOINT


def test_one_that_fails_for_a_while_is_called_by_one_probe_at_a_time() -> None:
    assert calls(ENDPOINT, 10**9) is Calls.ALL
    failing = failed(ENDPOINT, None, 1000)
    assert calls(failing, 1000 + PROBED_AFTER_MS - 1) is Calls.ALL
    at_ms = 1000 + PROBED_AFTER_MS
    assert calls(failing, at_ms) is Calls.PROBE
    under_way = probed(failing, at_ms)
    assert calls(under_way, at_ms) is Calls.AFTER_PROBE
    assert calls(under_way, at_ms + PROBE_LASTS_MS - 1) is Calls.AFTER_PROBE
    assert calls(under_way, at_ms + PROBE_LASTS_MS) is Calls.NONE
    assert calls(under_way, at_ms + PROBED_EVERY_MS - 1) is Calls.NONE
    assert calls(under_way, at_ms + PROBED_EVERY_MS) is Calls.PROBE
    assert failed(under_way, 500, at_ms + 9) is under_way
    assert worked(under_way) == ENDPOINT
    # Whoever waits for a probe to end comes when it has, and not into the next one.
    assert calls(under_way, at_ms + PROBE_LASTS_MS - 1 + PROBE_LASTS_MS) is Calls.NONE


def test_a_failure_after_weeks_without_a_try_is_the_first_one() -> None:
    failing = probed(failed(ENDPOINT, None, 1000), 1000 + PROBED_AFTER_MS)
    last_ms = 1000 + PROBED_AFTER_MS
    for now_ms, since_ms in ((last_ms + FORGOTTEN_AFTER_MS - 1, 1000), (last_ms + FORGOTTEN_AFTER_MS, None)):
        assert probed(failing, now_ms).failing_since_ms == (since_ms or now_ms)
    later_ms = last_ms + 30 * 24 * HOUR_MS
    again = failed(probed(failing, later_ms), 500, later_ms)
    assert (again.disabled, again.failing_since_ms) == (None, later_ms)
    assert 2 * 1000 * max(RETRY_AFTER_S) <= FORGOTTEN_AFTER_MS


def test_what_failed_before_the_clock_was_set_back_fails_since_now() -> None:
    failing = failed(ENDPOINT, None, 10**12)
    assert failed(failing, None, 10**12 - SKEW_MS).failing_since_ms == 10**12
    assert failed(failing, None, 10**12 - SKEW_MS - 1).failing_since_ms == 10**12 - SKEW_MS - 1


def test_a_probe_that_was_noted_before_the_clock_was_set_back_stops_no_call() -> None:
    failing = failed(ENDPOINT, None, 1000)
    noted_ms = 1000 + PROBED_AFTER_MS + 3_600_000
    under_way = probed(failing, noted_ms)
    assert calls(under_way, noted_ms - SKEW_MS) is Calls.AFTER_PROBE  # another process's clock may be that far behind
    assert calls(under_way, noted_ms - SKEW_MS - 1) is Calls.PROBE
    assert calls(under_way, 1000 + PROBED_AFTER_MS) is Calls.PROBE
    assert calls(under_way, 900) is Calls.ALL


def test_what_failed_at_another_url_neither_counts_nor_holds_anything_back() -> None:
    url = "https://hooks.example.net/"
    there = moved(probed(failed(ENDPOINT, 500, 1), 1 + PROBED_AFTER_MS), url)
    assert there == replace(ENDPOINT, url=url)
    failing = failed(there, 500, 2 + PROBED_AFTER_MS)
    assert calls(failing, 2 + 2 * PROBED_AFTER_MS) is Calls.PROBE
    assert moved(failing, url) is failing


def test_one_that_says_that_it_has_gone_is_disabled_at_once() -> None:
    gone = failed(ENDPOINT, 410, 7)
    assert (gone.disabled, gone.disabled_at_ms) == (Disabled.GONE, 7)


def test_why_it_was_disabled_first_stays_and_enabling_forgets_all() -> None:
    disabled = disable(disable(probed(failed(ENDPOINT, 500, 1), 3), Disabled.BY_USER, 5), Disabled.FAILING, 9)
    assert (disabled.disabled, disabled.disabled_at_ms) == (Disabled.BY_USER, 5)
    assert enable(disabled) == ENDPOINT


def test_a_webhook_is_tried_again_quickly_at_first_and_then_for_three_days() -> None:
    waits = [retry_after_s(tries) for tries in range(1, 14)]
    assert waits == [5, 60, 300, 1800, 7200, 21_600, *[43_200] * 6, None]
    assert retry_after_s(0) is None
