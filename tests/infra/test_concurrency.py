"""What is reserved of an account's concurrency, asked of a stub of Lambda."""

from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from app.errors import ConfigurationError
from infra import concurrency
from infra.stages import Stage
from tests.support.aws import REGION

WORKER = Stage("production", "attempts_bulk")


def reserve(wanted: int | None, whole: int = 1000, unreserved: int = 1000, own: int | None = None) -> int | None:
    """`own` is what the function has already; None: there is no function yet."""
    client: Any = botocore.session.get_session().create_client(
        "lambda", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )
    with Stubber(client) as stub:
        limit = {"ConcurrentExecutions": whole, "UnreservedConcurrentExecutions": unreserved}
        stub.add_response("get_account_settings", {"AccountLimit": limit})
        asked = {"FunctionName": WORKER.function}
        if own is None:
            stub.add_client_error(
                "get_function_concurrency", "ResourceNotFoundException", http_status_code=404, expected_params=asked
            )
        else:
            stub.add_response("get_function_concurrency", {"ReservedConcurrentExecutions": own} if own else {}, asked)
        return concurrency.reserve(client, WORKER, wanted)


@pytest.mark.parametrize(
    ("wanted", "unreserved", "own"),
    [(200, 1000, None), (200, 1000, 0), (900, 1000, None), (200, 800, 200), (900, 800, 200)],
)
def test_what_the_account_has_is_reserved(wanted: int, unreserved: int, own: int | None) -> None:
    assert reserve(wanted, unreserved=unreserved, own=own) == wanted


@pytest.mark.parametrize(
    ("wanted", "unreserved", "own", "at_most"), [(901, 1000, None, 900), (901, 800, 200, 900), (200, 100, 0, 0)]
)
def test_more_than_the_account_has_is_refused_with_how_much_there_is(
    wanted: int, unreserved: int, own: int | None, at_most: int
) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^production_attempts_bulk: lambda_concurrency may be {at_most} at most, is"
    ):
        reserve(wanted, unreserved=unreserved, own=own)


def test_a_new_account_of_ten_reserves_nothing_and_that_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert reserve(200, whole=10, unreserved=10) is None
    assert "the account may run 10 functions at once. Ask AWS for more" in capsys.readouterr().out


def test_nothing_that_is_wanted_is_nothing_asked() -> None:
    assert concurrency.reserve(None, WORKER, None) is None
