"""Every error is application/problem+json, and none says more than it should."""

import logging

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from fastapi import FastAPI
from pynamodb.exceptions import GetError

from app.api.application import create
from app.api.problems import path
from app.errors import Contention, Problem, ServiceUnavailable
from app.wiring.parts import Container
from tests.api.conftest import Client


def failing(raised: Exception) -> Client:
    """A client of an application whose parts cannot be had."""

    def connect() -> Container:
        raise raised

    return Client(create(connect), "em_any")


@pytest.mark.parametrize(
    ("method", "url", "status", "kind"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/docs/nothing.js", 404, "not-found"),
        ("DELETE", "/v1/emails", 405, "method-not-allowed"),
        ("GET", "/v1/emails?limit=x", 422, "invalid"),
        ("GET", "/v1/emails/eml_none", 404, "not-found"),
    ],
)
def test_the_standard_members(client: Client, method: str, url: str, status: int, kind: str) -> None:
    answer = client.request(method, url)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:emailsminder:problem:{kind}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]


def test_an_unexpected_fault_is_logged_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "app.api"):
        answer = failing(ZeroDivisionError("secret")).get("/v1/emails")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:emailsminder:problem:internal"
    assert "secret" not in answer.text
    [record] = [record for record in caplog.records if record.name == "app.api.request_log"]
    assert vars(record)["error"] == "ZeroDivisionError"
    assert vars(record)["request_id"] == answer.headers["X-Request-Id"]
    assert record.exc_info is not None
    assert "secret" not in record.getMessage()


THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "of secret"}}, "GetItem")


@pytest.mark.parametrize(
    ("raised", "error", "code"),
    [
        (GetError("secret", THROTTLED), "GetError", "ThrottlingException"),
        (GetError("secret"), "GetError", None),
        (THROTTLED, "ClientError", "ThrottlingException"),
        (EndpointConnectionError(endpoint_url="https://secret"), "EndpointConnectionError", None),
    ],
)
def test_storage_that_does_not_answer_is_logged_and_worth_asking_again(
    caplog: pytest.LogCaptureFixture, raised: Exception, error: str, code: str | None
) -> None:
    with caplog.at_level(logging.ERROR, "app.api"):
        answer = failing(raised).get("/v1/emails")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["type"] == "urn:emailsminder:problem:unavailable"
    [record] = [record for record in caplog.records if record.name == "app.api.problems"]
    assert (vars(record)["error"], vars(record)["code"]) == (error, code)
    assert vars(record)["request_id"] == answer.headers["X-Request-Id"]
    assert "secret" not in answer.text + record.getMessage()


@pytest.mark.parametrize("raised", [Contention("lost"), ServiceUnavailable("AWS does not answer")])
def test_what_passes_is_worth_asking_again(raised: Exception) -> None:
    answer = failing(raised).get("/v1/emails")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["type"] == "urn:emailsminder:problem:unavailable"


def test_every_class_of_the_tree_has_its_own_type_and_status() -> None:
    classes = Problem.__subclasses__()
    assert len(classes) == 13
    assert len({kind.type for kind in classes}) == len({kind.status for kind in classes}) == len(classes)


@pytest.mark.parametrize(
    ("location", "field"),
    [
        ((), "body"),
        (("",), "body"),
        (("to", 0), "to[0]"),
        (("attachments", 1, "content"), "attachments[1].content"),
        (("headers", "X-A", "[key]"), "headers.X-A"),
        ((0, "a"), "[0].a"),
    ],
)
def test_a_field_is_written_as_a_path(location: tuple[str | int, ...], field: str) -> None:
    assert path(location) == field


def test_the_types_are_those_that_the_description_lists(app: FastAPI) -> None:
    kinds: list[type[Problem]] = [Problem]
    for kind in Problem.__subclasses__():
        kinds += kind.__subclasses__() or [kind]  # what is divided further is never told itself
    assert [kind.type for kind in kinds if f"`{kind.type}`" not in app.description] == []
