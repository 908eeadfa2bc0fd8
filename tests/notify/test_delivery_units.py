"""What the log of deliveries takes in write units. docs/storage.md tells the same number."""

from uuid import uuid4

import pytest

from app.store.delivery_log import DeliveryLogItem
from tests.support.deliveries import Deliveries
from tests.support.installation import ROOT
from tests.support.webhook_receivers import receiver
from tests.support.write_units import counted

ROW = "with one, under load, 2 for a run of the worker that posts ten | 0.6 |"


@pytest.mark.parametrize(("webhooks", "units"), [(1, 1), (10, 2)])
def test_a_run_of_the_worker_takes_few_units(deliveries: Deliveries, webhooks: int, units: int) -> None:
    with receiver(204) as it:
        endpoint = deliveries.endpoint(it.url)
        some = [
            deliveries.notification(endpoint, email_id=f"eml_{uuid4().hex}", type="email.delivered")
            for _ in range(webhooks)
        ]
        with counted() as writes:
            assert deliveries.deliver(some, 60) == [True] * webhooks
    assert [(one.table, one.units) for one in writes] == [(DeliveryLogItem.Meta.table_name, units)]
    assert ROW in (ROOT / "docs" / "storage.md").read_text()
