"""The API against its own OpenAPI document, by Schemathesis with all checks: no answer that is not in the document.

The exact document has all that is taken: what is outside of it must be refused. The one that clients read has less, and
all of that must be taken.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection
from schemathesis.specs.openapi.schemas import OpenApiSchema

from app.api import openapi
from app.api.application import create
from app.api.v1 import routes
from app.wiring.parts import Container
from tests.api.conftest import installed
from tests.fuzz.bounds import bounded
from tests.support.clock import Clock
from tests.support.feed_writer import NOTIFY_SETTINGS, make_topic

SECRET = "em_fuzz"
KEY = {"Authorization": f"Bearer {SECRET}"}
# A document cannot say all: that a string must be an address, that `text` or `html` must be there.
CHECKS = {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]}}
_found: list[Container] = []  # filled by the fixture: the documents are needed before, to collect the tests

app = create(lambda: _found[-1])


def _schema(described: dict[str, Any], **generation: Any) -> OpenApiSchema:
    # Each call has our key, and is tried without it as well.
    config = {"generation": {"with-security-parameters": False} | generation, "checks": CHECKS}
    schema = schemathesis.openapi.from_dict(described, config=SchemathesisConfig.from_dict(config))
    schema.app = app
    return schema


exact = _schema(openapi.describe(app, routes.REQUESTS, routes.NAMES, exact=True))
published = _schema(app.openapi(), mode="positive")


@pytest.fixture(scope="module", autouse=True)
def _parts() -> Iterator[None]:
    with installed(Clock(), None, **NOTIFY_SETTINGS) as found:
        make_topic()
        found.api_keys.create("fuzz", {"admin"}, (), SECRET)
        _found.append(found)
        yield


@exact.parametrize()
@bounded(40)
@pytest.mark.timeout(600)
def test_every_answer_is_in_the_document(case: schemathesis.Case[Any]) -> None:
    # A batch is answered 200 whatever its emails are: each is refused in its place (tests/api/test_batch.py).
    excluded: list[Any] = [negative_data_rejection] if case.operation.path == "/v1/emails/batch" else []
    case.call_and_validate(headers=KEY, excluded_checks=excluded)


@published.parametrize()
@bounded(20)
@pytest.mark.timeout(600)
def test_what_the_published_document_says_is_taken(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(headers=KEY)
