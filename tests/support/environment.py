"""The environment of a deployed process whose AWS is the emulator and whose providers are one server."""

from tests.support.aws import BUCKET, REGION, Aws, Queue

# Every secret in the environment. None of them may ever appear in a log.
ADDRESS_SECRET = "s3cr3t-addresses-of-thirty-two-characters"
WEBHOOK_SECRET = "s3cr3t-webhooks-of-thirty-two-characters"
SECRETS = ("SG.s3cr3t-sendgrid", "key-s3cr3t-mailgun", "s3cr3t-ses", "re_s3cr3t-resend", ADDRESS_SECRET)


def environment(aws: Aws, queue: Queue, providers_url: str, table_prefix: str) -> dict[str, str]:
    sendgrid, mailgun, ses, resend, addresses = SECRETS
    return {
        "PROVIDERS": "sendgrid,mailgun,ses",
        "SENDGRID_API_KEY": sendgrid,
        "SENDGRID_BASE_URL": providers_url,
        "MAILGUN_API_KEY": mailgun,
        "MAILGUN_DOMAIN": "mg.example.com",
        "MAILGUN_BASE_URL": providers_url,
        "SES_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "SES_SECRET_ACCESS_KEY": ses,
        "SES_BASE_URL": providers_url,
        "RESEND_API_KEY": resend,
        "RESEND_BASE_URL": providers_url,
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_REGION": REGION,
        "TABLE_PREFIX": table_prefix,
        "TOPIC_ARN": queue.topic.arn,
        "CONTENT_BUCKET": BUCKET,
        "ADDRESS_SECRET": addresses,
    }
