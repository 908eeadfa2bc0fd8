import os
import shutil
import time

import pytest
from botocore.exceptions import ClientError

from app.local import health
from app.local.environment import deployed
from app.local.paths import Paths
from tests.local.emulating import TABLE, needs_limits, running

Env = dict[str, str]


def test_a_worker_that_beats_is_healthy(env: Env) -> None:
    made = deployed(env)
    health.beat(Paths.of(made).heartbeat)
    health.checks(made)["worker"]()


def test_a_worker_that_has_not_started_is_not(env: Env) -> None:
    with pytest.raises(OSError, match="no sign of life"):
        health.checks(deployed(env))["worker"]()


def test_a_worker_that_stopped_beating_is_not(env: Env) -> None:
    made = deployed(env)
    heartbeat = Paths.of(made).heartbeat
    health.beat(heartbeat)
    long_ago = time.time() - health.MISSED_S - 1
    os.utime(heartbeat, (long_ago, long_ago))
    with pytest.raises(OSError, match="no sign of life"):
        health.checks(made)["worker"]()


def test_a_worker_lives_on_and_is_not_blamed_where_nothing_can_be_written(env: Env) -> None:
    made = deployed(env)
    data = Paths.of(made).data
    shutil.rmtree(data)
    data.touch()  # a file, below which no heartbeat can be
    health.beat(Paths.of(made).heartbeat)
    health.checks(made)["worker"]()


def test_an_emulator_that_is_away_keeps_nothing(env: Env) -> None:
    with pytest.raises(OSError, match="does not answer"):
        health.checks(deployed(env))["storage"]()


def test_an_emulator_that_is_away_because_nothing_can_be_written_says_so(env: Env) -> None:
    made = deployed(env)
    data = Paths.of(made).data
    shutil.rmtree(data)
    data.touch()  # a file, in which nothing can be made
    assert health.checks(made)["storage"]() == f"nothing can be kept in {data}: Not a directory"


@needs_limits
def test_a_disk_that_is_full_is_said_in_words(env: Env) -> None:
    with running(env) as emulator:
        check = health.checks(emulator.env)["storage"]
        assert check() is None
        emulator.leave_room(0)
        with pytest.raises(ClientError):
            emulator.tables.create_table(TableName="one", **TABLE)
        assert check() == f"nothing can be kept in {Paths.of(env).data}: File too large"


def test_a_simulator_that_is_away_is_not(env: Env) -> None:
    with pytest.raises(OSError, match="does not answer"):
        health.checks(deployed(env))["simulator"]()
