"""`make run` with a collector: one trace, made by the processes of API and worker."""

from collections.abc import Iterator

import pytest

from tests.conftest import free_port
from tests.support.collector import Collector, collect
from tests.support.installation import Installation

pytestmark = pytest.mark.full  # an installation of its own


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collect() as running:
        yield running


@pytest.fixture
def installation(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Installation]:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    found = Installation(tmp_path_factory.mktemp("traced"), (free_port(), free_port(), free_port()), settings)
    found.start()
    yield found
    found.close()


def test_an_email_is_one_trace(installation: Installation, collector: Collector) -> None:
    installation.fault("sendgrid", "unavailable")
    email_id = installation.send()
    assert installation.ended(email_id)["status"] == "delivered"
    installation.close()  # the last spans come with the end of the processes
    of_email = [span for span in collector.spans if span.attributes.get("emailsminder.email_id") == email_id]
    assert len({span.trace_id for span in of_email}) == 1
    assert {span.name for span in of_email} >= {
        *("POST /v1/emails", "publish", "attempt", "call sendgrid", "call mailgun", "webhook mailgun")
    }
