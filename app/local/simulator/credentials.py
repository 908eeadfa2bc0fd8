"""The credentials that the simulated providers accept. They are of no use anywhere else."""

from typing import Final

SENDGRID_API_KEY: Final = "SG.simulator"

MAILGUN_API_KEY: Final = "key-simulator"
MAILGUN_DOMAIN: Final = "mg.example.com"

RESEND_API_KEY: Final = "re_simulator"

SES_ACCESS_KEY_ID: Final = "AKIASIMULATOR000000"
SES_SECRET_ACCESS_KEY: Final = "simulator-secret"  # noqa: S105 because only the simulator accepts it
SES_REGION: Final = "us-east-1"
SES_CONFIGURATION_SET: Final = "emailsminder"
SES_TOPIC_ARN: Final = "arn:aws:sns:us-east-1:123456789012:emailsminder-simulator"
