"""The SES_* variables."""

import re
from typing import Final

from app.providers.sdk.variables import API, WORKER, Declaration, Form, Need, Variable

_TOPIC_ARN: Final = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]+:[A-Za-z0-9_-]{1,256}(\.fifo)?")


def read_topic_arn(text: str) -> str:
    """The text itself. Raises ValueError if it is not the ARN of an SNS topic."""
    if _TOPIC_ARN.fullmatch(text) is None:
        raise ValueError("not the ARN of an SNS topic")
    return text


TOPIC: Final = Form("the ARN of an SNS topic, such as arn:aws:sns:us-east-1:123456789012:ses-events", read_topic_arn)

DECLARATION: Final = Declaration(
    "Amazon SES",
    (
        Variable(
            "ACCESS_KEY_ID",
            "The access key that signs the calls; without one, the process's own AWS credentials (on Lambda, its"
            " role).",
            needed_with="SECRET_ACCESS_KEY",
            read_by=WORKER,
        ),
        Variable(
            "SECRET_ACCESS_KEY",
            "The secret of that access key.",
            is_secret=True,
            needed_with="ACCESS_KEY_ID",
            read_by=WORKER,
        ),
        Variable(
            "REGION",
            "The region that SES is used in; AWS_REGION if not set.",
            default="us-east-1",
            fallbacks=("AWS_REGION", "AWS_DEFAULT_REGION"),
            read_by=WORKER,
        ),
        Variable(
            "CONFIGURATION_SET",
            "The configuration set that publishes SES's events; without it SES reports nothing.",
            Need.WEBHOOKS,
            read_by=WORKER,
        ),
        Variable(
            "TOPIC_ARN",
            "The SNS topic that those events are published to, the only one that is listened to; several, separated by"
            " commas.",
            Need.WEBHOOKS,
            verifies=True,
            read_by=API,
            form=TOPIC,
        ),
        Variable("BASE_URL", "The API's address; that of SES in its region if not set.", read_by=WORKER),
    ),
)
