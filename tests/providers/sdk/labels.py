"""The labels of the providers, by the provider's name."""

from app.providers.mailgun.labels import label as mailgun
from app.providers.resend.labels import label as resend
from app.providers.sendgrid.labels import label as sendgrid
from app.providers.ses.labels import label as ses

__all__ = ["mailgun", "resend", "sendgrid", "ses"]
