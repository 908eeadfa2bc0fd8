"""Sends one email with django-anymail and its SendGrid backend: `python anymail_alone.py TASK`.

Prints {"ok": …, "answer": …}. Django uses one email backend at a time, so there is no second provider.
"""

import json
import sys

import django
from anymail.exceptions import AnymailError
from django.conf import settings
from django.core.mail import EmailMessage
from requests.exceptions import RequestException


def main() -> None:
    """Send the task's email."""
    task = json.loads(sys.argv[1])
    settings.configure(
        EMAIL_BACKEND="anymail.backends.sendgrid.EmailBackend",
        ANYMAIL={
            "SENDGRID_API_URL": f"{task['sendgrid']['url']}/v3/",
            "SENDGRID_API_KEY": task["sendgrid"]["key"],
            "REQUESTS_TIMEOUT": 10,  # as long as ours; its own default is 30
        },
    )
    django.setup()
    email = task["email"]
    try:
        EmailMessage(email["subject"], email["text"], email["from"], [email["to"]]).send()
        result = "success"
    except (AnymailError, RequestException) as error:
        result = type(error).__name__
    print(json.dumps({"ok": result == "success", "answer": result}))


if __name__ == "__main__":
    main()
