"""The SES_* variables."""

from typing import Final

from app.providers.sdk.variables import Declaration, Need, Variable

DECLARATION: Final = Declaration(
    "Amazon SES",
    (
        Variable(
            "ACCESS_KEY_ID",
            "The access key that signs the calls; without one, the process's own AWS credentials (on Lambda, its"
            " role).",
            needed_with="SECRET_ACCESS_KEY",
        ),
        Variable("SECRET_ACCESS_KEY", "The secret of that access key.", is_secret=True, needed_with="ACCESS_KEY_ID"),
        Variable(
            "REGION",
            "The region that SES is used in; AWS_REGION if not set.",
            default="us-east-1",
            fallbacks=("AWS_REGION", "AWS_DEFAULT_REGION"),
        ),
        Variable(
            "CONFIGURATION_SET",
            "The configuration set that publishes SES's events; without it SES reports nothing.",
            Need.WEBHOOKS,
        ),
        Variable(
            "TOPIC_ARN",
            "The SNS topic that those events are published to, the only one that is listened to; several, separated by"
            " commas.",
            Need.WEBHOOKS,
            verifies=True,
        ),
        Variable("BASE_URL", "The API's address; that of SES in its region if not set."),
    ),
)
