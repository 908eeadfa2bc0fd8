"""The API against its own OpenAPI document, by Schemathesis with all checks: no answer that is not in the document."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig

from app.api.application import create
from app.wiring.parts import Container
from tests.api.conftest import installed
from tests.fuzz.bounds import bounded
from tests.support.clock import Clock

SECRET = "em_fuzz"
CONFIG = {
    "generation": {"with-security-parameters": False},  # each call has our key, and is tried without it as well
    # A document cannot say all: that a string must be an address, that `text` or `html` must be there.
    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]}},
}
_found: list[Container] = []  # filled by the fixture: the document is needed before, to collect the tests

app = create(lambda: _found[-1])
schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIG))


@pytest.fixture(scope="module", autouse=True)
def _parts() -> Iterator[None]:
    with installed(Clock()) as found:
        found.api_keys.create("fuzz", {"admin"}, (), SECRET)
        _found.append(found)
        yield


@schema.parametrize()
@bounded(40)
@pytest.mark.timeout(600)
def test_every_answer_is_in_the_document(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {SECRET}"})
