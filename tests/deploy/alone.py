"""A package alone, as Lambda runs it: an interpreter, the unpacked zip, and nothing installed beside it."""

import json
import subprocess
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from tests.support.aws import REGION, Aws

# Runs without site-packages: beside the zip there is only the standard library.
RUN = """
import json, os, sys
sys.path[:] = [path for path in sys.path if "site-packages" not in path]
sys.path.insert(0, sys.argv[1])
from importlib import import_module
module, event = import_module(sys.argv[2]), json.loads(sys.argv[3])
class Context:
    aws_request_id = "request-1"
    def get_remaining_time_in_millis(self):
        return 30_000
answer = module.handler(event, Context())
modules = {name.partition(".")[0] for name in sys.modules}
files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
print("ANSWER " + json.dumps([answer, sorted(modules), [file for file in files if "site-packages" in file]]))
"""


def unpack(package: Path, folder: Path) -> Path:
    """Lay the package out in `folder`, as Lambda does."""
    with ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


def call(
    python: Path, folder: Path, aws: Aws, module: str, event: dict[str, Any], **variables: str
) -> tuple[Any, set[str]]:
    """What a door of the package in `folder` answers in a `python` without more, and the packages that it loaded.

    `variables` are added to the environment that a function has.
    """
    env = {
        "AWS_LAMBDA_FUNCTION_NAME": "test",
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "TABLE_PREFIX": "package-",
        "TOPIC_ARN": aws.sns.create_topic(Name="package")["TopicArn"],
        "CONTENT_BUCKET": "test-content",
        "PROVIDERS": "sendgrid,mailgun",
        "SECRET_NAME": "package",
        **variables,
    }
    command = [str(python), "-I", "-S", "-c", RUN, str(folder), module, json.dumps(event)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("ANSWER "))
    answer, modules, strangers = json.loads(line.removeprefix("ANSWER "))
    assert strangers == []
    return answer, set(modules)


def http(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    """An event of API Gateway's."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "api.example.com", "Content-Type": "application/json"},
        "multiValueHeaders": {"Host": ["api.example.com"], "Content-Type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"path": f"/production{path}", "stage": "production", "httpMethod": method},
        "body": body,
        "isBase64Encoded": False,
    }
