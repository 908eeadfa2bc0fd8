"""The watchdog over the real store: whose silence it notices, whom it forgives, and whom it must not condemn."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from app.delivery.watchdog import Watchdog
from app.domain import silence
from app.domain.attempts import Attempt
from app.domain.counts import Sums
from app.domain.email import Role
from app.domain.head import Evidence, Head, Recipient, Status
from app.domain.health import Health
from app.domain.kinds import Kind
from app.domain.shards import SHARDS
from app.store.entries import created_shard
from tests.support.calls import Seen
from tests.support.crash import Before
from tests.support.harness import PROVIDERS, Harness
from tests.support.samples import a_head, an_email, somebody

PATIENCE_S = 60


def watchdog(harness: Harness, store: object = None) -> Watchdog:
    """A watchdog of another process."""
    store = store or harness.healths
    created = harness.partitions.created
    return Watchdog(store, harness.heads, harness.another_monitor(), harness.clock, created)  # type: ignore[arg-type] # because some stand before the real store


def minute_of(harness: Harness) -> int:
    return harness.clock.now_ms // 60_000


def usually_reports(harness: Harness, *providers: str, share: float = 0.9) -> None:
    for provider in providers:
        harness.another_monitor().update(provider, lambda health: replace(health, usual_share=share, usual_of=1000))


def counted(harness: Harness, minutes_ago: int, provider: str = "sendgrid", **sums: int) -> None:
    minute, epoch = minute_of(harness) - minutes_ago, harness.healths.get(provider).epoch
    harness.healths.add_minute(provider, epoch, minute, Sums(**sums), harness.clock())


def health(harness: Harness, provider: str = "sendgrid") -> Health:
    return harness.healths.get(provider)


def minutes_pass(harness: Harness, minutes: int, every: int = 1) -> None:
    """Let time pass; the watchdog looks every so many minutes."""
    for _ in range(minutes // every):
        harness.clock.advance(60 * every)
        harness.judge()


@pytest.mark.parametrize(("minutes_ago", "is_judged"), [(17, False), (18, True), (75, True), (76, False)])
def test_emails_are_judged_when_they_are_a_quarter_of_an_hour_old_and_speak_for_an_hour(
    harness: Harness, minutes_ago: int, is_judged: bool
) -> None:
    usually_reports(harness, "sendgrid")
    counted(harness, minutes_ago, accepted=40)
    harness.judge()
    assert (health(harness).silent, health(harness).weight) == ((True, 90) if is_judged else (False, 100))


def test_a_small_senders_silence_is_noticed_within_twenty_emails_and_twenty_minutes(harness: Harness) -> None:
    usually_reports(harness, "sendgrid", share=0.5)
    for email in range(20):
        counted(harness, 0, accepted=1)
        if email < 19:
            minutes_pass(harness, 6, every=6)
    assert not health(harness).silent
    minutes_pass(harness, 20, every=4)
    assert health(harness).silent
    assert health(harness).usual_share > 0.45


def test_silence_ends_by_reports_on_emails_accepted_since(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    counted(harness, 30, accepted=20)
    harness.judge()
    assert health(harness).silent
    for _ in range(10):
        minutes_pass(harness, 6, every=6)
        counted(harness, 0, accepted=1, reported=1)
    minutes_pass(harness, 1)
    assert not health(harness).silent
    minutes_pass(harness, 60, every=5)
    assert not health(harness).silent


def test_an_open_of_last_month_ends_no_silence(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    counted(harness, 30, accepted=20)
    harness.judge()
    counted(harness, 30 * 1440, accepted=500, reported=500)
    counted(harness, 30, reported=20)
    for _ in range(12):
        minutes_pass(harness, 1)
        counted(harness, 0, accepted=1)
    minutes_pass(harness, 20, every=4)
    assert health(harness).silent


def test_silence_without_any_further_email_ends_after_some_hours(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    counted(harness, 20, accepted=20)
    harness.judge()
    harness.clock.advance(silence.FORGET_AFTER_MS / 1000 - 1)
    harness.judge()
    assert health(harness).silent
    harness.clock.advance(60)
    harness.judge()
    assert not health(harness).silent
    minutes_pass(harness, 3)
    assert not health(harness).silent


def test_a_burst_without_reports_is_one_step_of_weight(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    counted(harness, 0, accepted=20)
    weights = set()
    minutes_pass(harness, 14, every=14)
    for _ in range(12):
        minutes_pass(harness, 1)
        weights.add(health(harness).weight)
    assert weights == {100, 90}
    assert health(harness).silent


def test_silence_that_goes_on_lowers_the_weight_step_by_step(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    for _ in range(24):
        counted(harness, 0, accepted=20)
        minutes_pass(harness, 1)
    assert health(harness).weight == 30


def test_what_is_usual_is_learned_once_a_minute_and_not_while_much_less_is_reported(harness: Harness) -> None:
    counted(harness, 20, accepted=200, reported=180)
    harness.judge()
    learned = health(harness)
    assert (learned.usual_share, learned.usual_of) == (0.9, 200)
    minutes_pass(harness, 5)
    assert replace(health(harness), version=0) == replace(learned, version=0)
    counted(harness, 20, accepted=100, reported=100)
    harness.judge()
    assert health(harness).usual_share == pytest.approx((180 + 100) / 300)
    minutes_pass(harness, 1)
    learned = health(harness)
    counted(harness, 16, accepted=800, reported=400)
    minutes_pass(harness, 1)
    assert health(harness).usual_share == learned.usual_share
    assert health(harness).low_since_ms


def test_what_lasts_for_a_day_is_the_new_usual(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    for _ in range(25):
        counted(harness, 16, accepted=100, reported=60)
        minutes_pass(harness, 1)
        harness.clock.advance(3540)
    assert health(harness).usual_share == 0.6
    assert not health(harness).silent


def test_without_emails_nothing_is_written(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    version = health(harness).version
    minutes_pass(harness, 30, every=3)
    assert health(harness).version == version


def test_a_burst_whose_counts_lie_in_the_memory_of_many_processes_condemns_nobody(harness: Harness) -> None:
    """Twenty-four workers, each with one call; two API processes, which get all reports within three seconds."""
    usually_reports(harness, "sendgrid")
    apis = [replace(harness.record, monitor=harness.another_monitor()) for _ in range(2)]
    for n in range(24):
        email_id = harness.take(an_email())
        ((_, number),) = harness.published()
        replace(harness.attempt, monitor=harness.another_monitor())(email_id, number)
        harness.record = apis[n % 2]
        harness.report(harness.event(email_id, Kind.DELIVERED))
        harness.clock.advance(0.1)
    began_min = minute_of(harness) - 1
    assert harness.healths.minutes("sendgrid", 0, began_min, began_min + 2).reported < 10
    weights = set()
    minutes_pass(harness, 14, every=14)
    for _ in range(12):
        minutes_pass(harness, 1)
        weights.add(health(harness).weight)
        assert not health(harness).silent
    assert weights == {100}


def test_heads_that_know_of_no_report_do_not_help(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    for _ in range(2):  # several heads
        harness.take(an_email(*(somebody() for _ in range(12))))
    harness.work()
    harness.monitor.flush(now=True)
    minutes_pass(harness, 20, every=5)
    assert health(harness).silent


def test_no_more_is_sampled_than_twenty_recipients(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    usually_reports(harness, "sendgrid")
    harness.take(an_email(*(somebody() for _ in range(24))))
    harness.work()
    harness.monitor.flush(now=True)
    with caplog.at_level("INFO", "app.delivery.watchdog"):
        minutes_pass(harness, 20, every=20)
    assert [record.read for record in caplog.records if record.message.startswith("heads read")] == [20]  # type: ignore[attr-defined] # because extra


@pytest.mark.parametrize(("newer", "is_silent"), [(99, False), (100, True)])
def test_of_each_partition_the_newest_hundred_are_sampled(harness: Harness, newer: int, is_silent: bool) -> None:
    """The emails of another provider lie above the only one whose head speaks for this one."""
    usually_reports(harness, "sendgrid")
    reported = an_accepted_head(harness, "sendgrid", after_s=0)
    for head in (reported, *(an_accepted_head(harness, "mailgun", after_s=1) for _ in range(newer))):
        assert harness.heads.create(head, harness.clock.now_ms) is not None
    harness.clock.advance(20 * 60)
    counted(harness, 20, accepted=20)
    replace(watchdog(harness), partitions=(created_shard(reported.project, reported.shard),))()
    assert health(harness).silent is is_silent


def an_accepted_head(harness: Harness, provider: str, after_s: int) -> Head:
    """A head of one and the same partition, that many seconds from now: its provider accepted and reported."""
    at_ms = harness.clock.now_ms + after_s * 1000
    key = somebody().key
    evidence = {1: frozenset({Evidence.ACCEPTED, Evidence.DELIVERED})}
    recipient = Recipient(key, Role.TO, Status.DELIVERED, attempt=1, evidence=evidence)
    attempts = (Attempt(1, provider, (key,), at_ms, Kind.ACCEPTED),)
    return a_head(at_ms, shard=0, project=f"sampled-{id(harness)}", recipients={key: recipient}, attempts=attempts)


def test_heads_are_read_once_and_only_for_who_would_be_condemned(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    counted(harness, 20, accepted=20)
    seen = Seen(harness.heads)
    dog = replace(watchdog(harness), heads=seen)
    for _ in range(5):
        harness.clock.advance(60)
        dog()
    assert seen.times("created") == SHARDS * len(harness.partitions.known().projects)


def test_if_all_that_have_evidence_are_silent_the_fault_is_ours(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    usually_reports(harness, *PROVIDERS)
    for provider in ("sendgrid", "mailgun"):
        counted(harness, 20, provider, accepted=40)
    harness.judge()
    for provider in ("sendgrid", "mailgun"):
        found = health(harness, provider)
        assert (found.silent, found.webhooks_failing, found.weight) == (False, True, 100)
    assert [record.webhooks_began_to_fail for record in caplog.records if record.message == "health"]  # type: ignore[attr-defined] # because extra


def test_one_of_two_that_reports_shows_that_the_other_is_silent(harness: Harness) -> None:
    usually_reports(harness, *PROVIDERS)
    counted(harness, 20, accepted=40)
    counted(harness, 20, "mailgun", accepted=40, reported=38)
    harness.judge()
    assert [health(harness, provider).silent for provider in PROVIDERS] == [True, False, False]


def test_one_that_was_called_silent_first_is_forgiven_when_all_fall_silent(harness: Harness) -> None:
    usually_reports(harness, *PROVIDERS)
    counted(harness, 20, accepted=40)
    harness.judge()
    assert health(harness).silent
    harness.clock.advance(60)
    counted(harness, 20, "mailgun", accepted=40)
    harness.judge()
    assert [health(harness, provider).silent for provider in PROVIDERS] == [False, False, False]


def test_what_was_not_reported_because_of_us_is_never_judged(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    counted(harness, 20, accepted=40)
    counted(harness, 0, our_faults=1)
    harness.judge()
    assert (health(harness).silent, health(harness).webhooks_failing) == (False, True)
    minutes_pass(harness, 40, every=2)
    assert (health(harness).silent, health(harness).webhooks_failing, health(harness).weight) == (False, False, 100)


def test_an_api_that_does_not_answer_is_our_fault(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    dog = replace(watchdog(harness), answers=lambda: False)
    dog()
    counted(harness, 20, accepted=40)
    harness.clock.advance(60)
    dog()
    assert (health(harness).silent, health(harness).webhooks_failing) == (False, True)


def test_an_api_that_does_not_answer_once_was_only_starting(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    looks = iter([False, True, False])
    dog = replace(watchdog(harness), answers=lambda: next(looks))
    for _ in range(2):
        dog()
        harness.clock.advance(60)
    counted(harness, 20, accepted=40)
    dog()
    assert (health(harness).silent, health(harness).webhooks_failing) == (True, False)


def test_each_minute_is_judged_once_by_a_process(harness: Harness) -> None:
    seen = Seen(harness.healths)
    dog = watchdog(harness, seen)
    for _ in range(5):
        dog()
    assert seen.times("newest_minutes") == len(PROVIDERS)
    harness.clock.advance(60)
    dog()
    assert seen.times("newest_minutes") == 2 * len(PROVIDERS)


def test_two_that_judge_at_once_move_a_weight_once(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    counted(harness, 20, accepted=40, reported=3)
    barrier = Barrier(4)

    def judge(_: int) -> None:
        dog = watchdog(harness)
        barrier.wait(PATIENCE_S)
        dog()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(judge, range(4)))
    assert health(harness).weight == 90


def test_a_resume_while_it_is_judged_is_not_undone_by_old_counts(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    counted(harness, 20, accepted=40)
    store = Before(harness.healths, "newest_minutes", lambda: harness.resume("sendgrid"))
    watchdog(harness, store)()
    found = health(harness)
    assert (found.silent, found.weight, found.epoch) == (False, 100, 1)


def test_weights_come_back_by_themselves(harness: Harness) -> None:
    now_ms = harness.clock.now_ms
    harness.monitor.update("ses", lambda health: replace(health, weight=80, moved_at_ms=now_ms))
    harness.clock.advance(15 * 60)
    harness.judge()
    assert health(harness, "ses").weight == 90
