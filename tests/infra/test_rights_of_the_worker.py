"""What a worker asks of the store for test mail, which it also records: each lane's role allows all of it."""

from dataclasses import replace

from app.domain.email import Mailbox
from app.domain.lane import Lane
from app.domain.project import of_test_keys
from app.domain.sandbox import DELIVERED_LATE_MS, REPORTS
from tests.infra.rights import asked, rights
from tests.support.harness import Harness
from tests.support.samples import an_email


def test_the_role_of_each_lane_allows_what_test_mail_needs(harness: Harness) -> None:
    people = tuple(Mailbox(f"{local}@any.example") for local in REPORTS)
    email = replace(an_email(), to=people, collapse_key="reset")
    harness.taken.add(harness.accept(email, project=of_test_keys("team"), key=None).head.email_id)
    with asked() as found:
        harness.work()
        harness.clock.advance(DELIVERED_LATE_MS / 1000)
        harness.work()
    assert found.keys() == {"emails"}  # neither health nor suppressions
    assert "dynamodb:BatchWriteItem" in found["emails"]
    refused = {lane: found["emails"] - rights(f"{lane}AttemptsRole")["emails"] for lane in Lane}
    assert refused == {lane: set() for lane in Lane}
