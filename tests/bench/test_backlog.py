"""5,000 due emails; `make backlog` does the same with 100,000."""

from bench import backlog
from tests.support.aws import Aws

EMAILS = 5_000


def test_a_backlog_is_published_whole_in_bounded_runs_and_nobody_starves(store: Aws) -> None:
    ids = backlog.fill(EMAILS)
    one_by_one = backlog.sweep_all(ids, within_s=0.5)
    assert one_by_one.runs > 1
    assert (one_by_one.missed, one_by_one.early) == (0, 0)
    two_at_once = backlog.sweep_all(ids, within_s=0.5, at_once=2)
    assert two_at_once.missed == 0
