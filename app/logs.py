"""Logs: one JSON object a line. Ids, names and durations; never an address, a body or a secret."""

import logging
import sys

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

# Libraries that would log URLs, bodies or every connection.
QUIET = ("httpx", "httpcore", "botocore", "urllib3", "pynamodb", "mangum")


def configure(level: str, service: str = "emailsminder") -> None:
    """Send every log record of this process to stdout as one line of JSON. Idempotent."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LambdaPowertoolsFormatter(service=service, utc=True))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
