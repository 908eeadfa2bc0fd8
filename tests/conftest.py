"""Parts shared by all tests: one AWS emulator per run, and containers built by the product's own builder over it."""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from threading import Event

import botocore.session
import coverage
import httpx
import pytest
from hypothesis import HealthCheck, settings

from app import logs, metrics
from app.local.aws_emulator import start
from app.store import tables
from app.store.head_items import HeadItem
from tests.support import size
from tests.support.aws import REGION, Aws, Queue
from tests.support.harness import Harness
from tests.support.provider_server import ProviderServer, serve

ROOT = Path(__file__).parent.parent

# The gate must not depend on chance: there, every property test tries the same examples each time. No example has a
# deadline and none is too slow to be made, because a busy machine is no mistake of the code. (A test with settings of
# its own for health checks takes the place of these.)
settings.register_profile(
    "gate",
    derandomize=bool(os.environ.get("CI")) or (size.FULL and not size.EXPLORE),
    max_examples=size.examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("gate")
# Each session of botocore reads and parses 2 MB of JSON anew, and the tests make some thousand.
botocore.session.create_loader = cache(botocore.session.create_loader)
# What the product uses, and the stack of its template.
SERVICES = (
    "apigateway,cloudformation,dynamodb,dynamodbstreams,events,iam,kms,lambda,logs,monitoring,s3,secretsmanager,"
    "ses,sns,sqs,ssm,sts,wafv2"
)
EMULATOR_PYTHON = ROOT / ".emulator" / "bin" / "python"
# Another engine for the tables of all tests that use the store, on this machine (`make conform`).
DYNAMODB_URL = os.environ.get("DYNAMODB_URL")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `full` or `explore`, unless FULL=1 (as in the gate) or EXPLORE=1 asks for it.

    With QUICK=1, as `make test` has it, leave out what is slow, and of tests with many cases all but a few.
    """
    off = [name for name, is_on in {"full": size.FULL, "explore": size.EXPLORE}.items() if not is_on]
    kept = {item for item in _spread(items, size.CASES) if not _is_slow(item)} if size.QUICK else set(items)
    kept -= {item for item in kept if any(map(item.get_closest_marker, off))}
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = [item for item in items if item in kept]


def _is_slow(item: pytest.Item) -> bool:
    test = item.nodeid.partition("[")[0]
    return test in size.SLOW or test.partition("::")[0] in size.SLOW


def _spread(items: list[pytest.Item], most: int) -> set[pytest.Item]:
    """At most so many cases of each test, evenly spread over them, the first and the last among them."""
    by_test: dict[str, list[pytest.Item]] = {}
    for item in items:
        by_test.setdefault(item.nodeid.partition("[")[0], []).append(item)
    kept: set[pytest.Item] = set()
    for cases in by_test.values():
        step = (len(cases) - 1) / (most - 1)
        kept.update(cases if step <= 1 else (cases[round(number * step)] for number in range(most)))
    return kept


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """What is marked `no_cover` runs untraced, and so do the threads and the processes that it starts.

    In a worker of xdist three collectors lie upon each other, and one that stops wakes the one below it: coverage
    starts the first in every child process, and pytest-cov two, since it takes the worker for a second master, too.
    It stops the uppermost for `no_cover`.
    """
    if not item.get_closest_marker("no_cover"):
        return (yield)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as paused:
        while (collector := coverage.Coverage.current()) is not None:
            collector.stop()
            paused.callback(collector.start)
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        return (yield)


# A worker of xdist takes its ports from a thousand of its own, each of them once, below those that the system hands
# out: nobody else can be given a port between this question and the moment at which a child process listens on it.
# A run beside another one is given other ports (TEST_PORTS), as those of the gate are.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_FIRST_PORT = int(os.environ.get("TEST_PORTS", "10000")) + 1_000 * (_WORKER % 10)
_PORTS = cycle(range(_FIRST_PORT, _FIRST_PORT + 1_000))
next(islice(_PORTS, os.getpid() % 1_000, None))  # two runs of the tests on one machine start at different ones


def free_port() -> int:
    """A port that nothing listens on right now, and that no other test is given."""
    for port in islice(_PORTS, 1_000):
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    pytest.fail(f"something listens on every port from {_FIRST_PORT} to {_FIRST_PORT + 999}")


@pytest.fixture(scope="session")
def aws_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an AWS emulator that keeps nothing, in a process of its own."""
    if not EMULATOR_PYTHON.exists():
        pytest.fail("the AWS emulator is not installed: run `make emulator`")
    port, folder = free_port(), tmp_path_factory.mktemp("aws")
    env = {
        "PATH": os.environ["PATH"],
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "SERVICES": SERVICES,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "tcp://127.0.0.1:9",
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(EMULATOR_PYTHON), "-I", start.__file__, start.BARE], env=env, stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _await(url, process, folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=60)


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            pytest.fail(f"the AWS emulator ended: {log.read_text()[-2000:]}")
        try:
            httpx.get(f"{url}/_ministack/health", timeout=30)
        except httpx.TransportError:
            Event().wait(0.1)
        else:
            return
    pytest.fail("the AWS emulator did not answer within a minute")


@pytest.fixture(scope="session")
def aws(aws_endpoint: str) -> Aws:
    """The emulator with its clients and the bucket for contents; use `store` when tables are needed, too."""
    return Aws.at(aws_endpoint)


@pytest.fixture
def store(aws: Aws, request: pytest.FixtureRequest) -> Aws:
    """The emulator, with the models bound to tables that the tests of one file share: use ids of your own."""
    prefix = f"{request.path.stem}-"
    if HeadItem.Meta.table_name != prefix + "emails":  # first, or after a test that bound others
        tables.connect(prefix, REGION, DYNAMODB_URL or aws.endpoint_url)
        tables.create_all()
    return aws


@pytest.fixture
def queue(store: Aws) -> Queue:
    """A topic of the test's own, with a queue behind it."""
    return store.queue()


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    """A server that plays every provider."""
    with serve() as running:
        yield running


@pytest.fixture
def harness(store: Aws) -> Harness:
    """The verbs over the store, with providers sendgrid, mailgun, ses to plan."""
    return Harness(store)


@pytest.fixture(autouse=True)
def _default_logging() -> Iterator[None]:
    """Each test begins with Python's own logging: what a test before it configured would change what it captures."""
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    for name in (*logs.QUIET, *metrics.measured_loggers()):
        logging.getLogger(name).setLevel(logging.NOTSET)
    handlers = list(root.handlers)
    yield
    root.handlers = handlers


@pytest.fixture(scope="session", autouse=True)
def _no_aws_profile() -> Iterator[None]:
    """Whatever AWS account this machine knows, the tests must not see it."""
    names = [name for name in os.environ if name.startswith("AWS_")]
    saved = {name: os.environ.pop(name) for name in names}
    os.environ.update(
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
    )
    yield
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(saved)


if sys.platform == "win32":
    pytest.exit("the tests run on Linux and macOS", returncode=2)
