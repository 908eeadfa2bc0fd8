"""Amazon SES, whose webhooks come through Amazon SNS."""
