"""The document in Postman and in Bruno: every request of the imported collection succeeds, or says why not."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.collections.conftest import DOCUMENT, Answer, run
from tests.support.installation import Installation

KEY = "em_local_development"
PROBLEM = "application/problem+json"
SIGNED = "post /v1/webhooks/{provider}"  # nobody but a provider can sign one


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in {"get", "post", "put", "patch", "delete"}
    }


def must_succeed(document: dict[str, Any]) -> set[str]:
    """The calls that have an example of everything they need."""
    return {
        call
        for call, operation in operations(document).items()
        if call != SIGNED and all("example" in each for each in operation.get("parameters", ()) if each["in"] == "path")
    }


def check(answers: list[Answer], document: dict[str, Any], succeed: set[str]) -> None:
    known = operations(document)
    assert sorted(answer.call for answer in answers) == sorted(known)
    for answer in answers:
        assert str(answer.status) in known[answer.call]["responses"], answer
        if answer.call in succeed:
            assert answer.status < 300, answer
        elif answer.status >= 300:
            assert answer.media_type == PROBLEM, answer
            assert len(json.loads(answer.body)["detail"]) > 10, answer


def call_of(document: dict[str, Any], method: str, path: str) -> str:
    """The call of the document for a request to `path`, whose parameters may have any values."""
    for known, methods in document["paths"].items():
        if method.lower() in methods and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path):
            return f"{method.lower()} {known}"
    raise AssertionError(f"the document has no {method} {path}")


def postman(tmp_path: Path, installation: Installation, document: dict[str, Any], *options: str) -> Iterator[Answer]:
    """Import the document as Postman does, and send every request."""
    run("openapi2postmanv2", "-s", DOCUMENT, "-o", "collection.json", *options, folder=tmp_path)
    settings = [f"baseUrl={str(installation.api.base_url).rstrip('/')}", f"bearerToken={KEY}"]
    variables = [word for setting in settings for word in ("--env-var", setting)]
    report = ("--reporters", "json", "--reporter-json-export", "report.json")
    run("newman", "run", "collection.json", *variables, *report, folder=tmp_path)
    for one in json.loads((tmp_path / "report.json").read_text())["run"]["executions"]:
        answer = one["response"]
        types = [each["value"] for each in answer["header"] if each["key"].lower() == "content-type"]
        path = "/" + "/".join(one["request"]["url"]["path"])
        call = call_of(document, one["request"]["method"], path)
        yield Answer(call, answer["code"], (types or [""])[0], bytes(answer["stream"]["data"]))


def test_postman_with_examples(tmp_path: Path, installation: Installation, document: dict[str, Any]) -> None:
    options = ("-O", "parametersResolution=Example,enableOptionalParameters=false,folderStrategy=Tags")
    check([*postman(tmp_path, installation, document, *options)], document, must_succeed(document))


def test_postman_as_it_imports_by_default(tmp_path: Path, installation: Installation, document: dict[str, Any]) -> None:
    """Every field and parameter is then `<string>`, so that the answers tell what belongs there."""
    answers = [*postman(tmp_path, installation, document)]
    check(answers, document, {"get /health", "get /v1/providers"})
    [sent] = [answer for answer in answers if answer.call == "post /v1/emails"]
    assert {"from", "to"} <= {fault["field"].partition("[")[0] for fault in json.loads(sent.body)["errors"]}


def test_bruno(tmp_path: Path, installation: Installation, document: dict[str, Any]) -> None:
    source = ("--source", DOCUMENT, "--output", tmp_path, "--collection-name", "api")
    run("bru", "import", "openapi", *source, folder=tmp_path)
    settings = [f"baseUrl={str(installation.api.base_url).rstrip('/')}", f"token={KEY}"]
    variables = [word for setting in settings for word in ("--env-var", setting)]
    report = tmp_path / "report.json"
    run("bru", "run", "-r", *variables, "--reporter-json", report, folder=tmp_path / "api")
    [round_of_requests] = json.loads(report.read_text())
    answers = []
    for one in round_of_requests["results"]:
        answer, sent = one["response"], one["request"]
        path = sent["url"].removeprefix(str(installation.api.base_url).rstrip("/")).partition("?")[0]
        media_type = answer["headers"].get("content-type", "")
        body = json.dumps(answer["data"]).encode()
        answers.append(Answer(call_of(document, sent["method"], path), answer["status"], media_type, body))
    check(answers, document, must_succeed(document))
