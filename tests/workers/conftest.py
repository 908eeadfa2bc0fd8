"""The workers' doors over a container built from the environment, as a deployed process builds it."""

import logging
from collections.abc import Iterator

import pytest

from app import settings
from app.store import tables
from app.wiring import process as deployed_process
from app.wiring import sweep as deployed_sweep
from tests.support.aws import Aws
from tests.support.environment import environment
from tests.support.process import Process
from tests.support.provider_server import serve


@pytest.fixture(scope="module")
def deployed(aws: Aws, request: pytest.FixtureRequest) -> Iterator[Process]:
    """`app.wiring.process.container()` finds an environment with tables of this file's own."""
    queue = aws.queue()
    root = logging.getLogger()
    before = list(root.handlers), root.level
    with serve() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(aws, queue, server.url, f"{request.path.stem}-").items():
            patch.setenv(name, value)
        deployed_process.container.cache_clear()
        deployed_sweep.sweep.cache_clear()
        container = deployed_process.container(settings.Process.WORKER)
        root.handlers, root.level = before
        tables.create_all()
        yield Process(aws, queue, server, container)
        container.close()
        deployed_process.container.cache_clear()
        deployed_sweep.sweep.cache_clear()


@pytest.fixture
def process(deployed: Process) -> Process:
    """The process, with an empty queue and three providers that accept whatever they get."""
    deployed.queue.records()
    deployed.providers.calls.clear()
    deployed.providers.statuses.clear()
    return deployed
