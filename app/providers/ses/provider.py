"""Amazon SES v2: JSON with raw MIME inside, signed with SigV4. Webhooks come through SNS, with one event each.

Every email is sent as raw MIME. `Content.Simple` takes 15 headers at most, and its To and Cc can only show who gets
this copy. Raw MIME takes any header and inline file, and a copy that is sent again to one of three recipients still
shows all three. One form for all emails also means that only one has to be understood. SES asks for 7bit content, and
replaces any Date header (https://docs.aws.amazon.com/ses/latest/dg/header-fields.html); `mime` writes no such header.

`events` reads the events. The source is the API reference of SES v2 unless a line names another.
"""

import base64
import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from app.domain.email import Mailbox, Message, Tracking
from app.domain.event import ProviderEvent, Subscription, Webhook
from app.domain.outcome import Outcome, shorten
from app.errors import Unauthenticated
from app.providers.sdk import answers, mime, payload, signatures
from app.providers.sdk.contract import Outside
from app.providers.sdk.limits import Limits
from app.providers.sdk.variables import Values, credential
from app.providers.ses import credentials, errors, events, sns
from app.providers.ses.limits import LIMITS
from app.providers.ses.variables import TOPIC

if TYPE_CHECKING:
    from botocore.credentials import Credentials

_log = logging.getLogger(__name__)
_SECRETS: Final = "secrets"  # the extension of a request with what it was signed with
_IS_TRACKED: Final = "is_tracked"  # the extension of a request that asks for tracking
_REPLACED: Final = str.maketrans(dict.fromkeys(LIMITS.filename_replaced.value, "_"))


class Ses:
    """SES in one region of one AWS account.

    `own_credentials` is called before every request, because temporary ones change. Webhooks may come from
    `topic_arns`. `fetch_certificate` is described at `sns.Verifier`. `clock` gives epoch seconds.
    """

    transport: ClassVar[str] = "http"
    limits: ClassVar[Limits] = LIMITS
    signing_domain: ClassVar[str] = ""

    def __init__(
        self,
        account: str,
        region: str,
        configuration_set: str,
        topic_arns: tuple[str, ...],
        own_credentials: "Callable[[], Credentials]",
        fetch_certificate: Callable[[str], bytes],
        base_url: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.account = account
        self._region = region
        self._configuration_set = configuration_set
        self._topic_arns = topic_arns
        self._credentials = own_credentials
        self._base_url = base_url
        self._clock = clock
        self._verifier = sns.Verifier(topic_arns, fetch_certificate)

    @classmethod
    def open(cls, values: Values, outside: Outside) -> Self:
        """The account of these variables. Without an access key, the AWS credentials of the process sign the calls."""
        region = values.text("REGION")
        return cls(
            values.account,
            region,
            values.text("CONFIGURATION_SET"),
            values.texts("TOPIC_ARN"),
            credentials.of(values, outside.session),
            outside.certificate,
            values.url("BASE_URL", f"https://email.{region}.amazonaws.com"),
        )

    def build(self, message: Message) -> httpx.Request:
        """POST /v2/email/outbound-emails. Raises Unsendable for what the table of limits does not allow.

        `Destination` names who gets this copy. FromEmailAddress overrides the From header and is the same.
        """
        LIMITS.check(message)
        tags = payload.own_tags(message, LIMITS.fits_metadata)
        recipients = {"ToAddresses": message.to, "CcAddresses": message.cc, "BccAddresses": message.bcc}
        call: dict[str, object] = {
            "FromEmailAddress": mime.mailbox(message.sender),
            "Destination": {role: _addresses(boxes) for role, boxes in recipients.items() if boxes},
            "Content": {"Raw": {"Data": base64.b64encode(mime.render(_with_safe_names(message))).decode()}},
            "EmailTags": [{"Name": name, "Value": value} for name, value in tags.items()],
            "ConfigurationOverrides": {"Tracking": _tracking(message.tracking)},
        }
        if self._configuration_set:
            call["ConfigurationSetName"] = self._configuration_set
        request = self.request("POST", "/v2/email/outbound-emails", json.dumps(call).encode())
        request.extensions[_IS_TRACKED] = message.tracking.is_on
        return request

    def read(self, response: httpx.Response) -> Outcome:
        """The outcome of an answer. A 2xx with a MessageId is accepted. An error's type is in a header or the body."""
        answer = payload.object_in(response.content)
        message_id = payload.text(answer.get("MessageId"))
        if response.is_success and message_id:
            return answers.accepted(response, message_id)
        error = errors.name(response, answer)
        words = payload.text(answer.get("message")) or payload.text(answer.get("Message"))
        has_meaning = response.is_client_error and (
            bool(words) or error not in errors.IN_WORDS or not answers.is_cut(response)
        )
        is_tracked = _extension(response, _IS_TRACKED) is True
        meaning = errors.meaning(error, words, is_tracked=is_tracked) if has_meaning else None
        secrets: tuple[str, ...] = _extension(response, _SECRETS) or ()
        outcome = answers.judge(response, {(response.status_code, ""): meaning} if meaning else {}, secrets=secrets)
        if not (error and words):
            return outcome
        return replace(
            outcome,
            reply=shorten(answers.redact(f"{error}: {words}", secrets)),
            is_about_sender=meaning is not None and errors.is_about_sender(error, words),
        )

    def verify(self, webhook: Webhook, now_s: float) -> None:
        """Check the signature of SNS. It covers the body, so there is no nonce."""
        if not self._topic_arns:
            raise signatures.no_key(self.account, "TOPIC_ARN")
        try:
            self._verifier.verify(webhook, now_s)
        except Unauthenticated:
            if not all(TOPIC.fits(arn) for arn in self._topic_arns):
                raise signatures.unreadable(self.account, "TOPIC_ARN") from None  # that one might be the topic
            raise

    def parse(self, webhook: Webhook) -> list[ProviderEvent] | Subscription:
        """The recipients of one event, or a subscription to confirm."""
        try:
            envelope = sns.read(webhook.body)
        except Unauthenticated:
            _log.warning("webhook is not an SNS message", extra={"provider": self.account})
            return []
        if envelope.type == sns.SUBSCRIPTION and sns.is_aws_sns_url(envelope.subscribe_url):
            return Subscription(envelope.subscribe_url)
        if envelope.type == sns.NOTIFICATION:
            return list(events.read(self.account, envelope))
        _log.warning("an SNS subscription ended or cannot be confirmed", extra={"provider": self.account})
        return []

    def credentials_call(self) -> httpx.Request:
        """GET /v2/email/account, which needs the permission ses:GetAccount."""
        return self.request("GET", "/v2/email/account")

    def request(self, method: str, path: str, body: bytes = b"") -> httpx.Request:
        """A signed call. Raises ConfigurationError if there is nothing to sign it with."""
        region = credential(self.account, "REGION", self._region)  # it is a part of the signature's header
        headers = {"Content-Type": "application/json"} if body else {}
        request = httpx.Request(method, self._base_url + path, headers=headers, content=body)
        frozen = self._credentials().get_frozen_credentials()
        signer = SigV4Auth(frozen, "ses", region)
        # The request is not signed by `add_auth`, because that reads the clock itself, and logs at DEBUG what it signs,
        # including the session token.
        headers |= {"Host": request.headers["Host"], "X-Amz-Date": self._now()}
        if frozen.token:
            headers["X-Amz-Security-Token"] = frozen.token
        draft = AWSRequest(method, str(request.url), headers=headers, data=body)
        draft.context["timestamp"] = headers["X-Amz-Date"]
        signature = signer.signature(signer.string_to_sign(draft, signer.canonical_request(draft)), draft)
        names = signer.signed_headers(signer.headers_to_sign(draft))
        request.headers.update(headers)
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={signer.scope(draft)}, SignedHeaders={names}, Signature={signature}"
        )
        # For `read`: SignatureDoesNotMatch repeats the signed headers, including the session token, and by then the
        # process may have other credentials or none.
        request.extensions[_SECRETS] = (frozen.access_key, frozen.secret_key, frozen.token or "")
        return request

    def _now(self) -> str:
        return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock()))


def _extension(response: httpx.Response, name: str) -> Any:
    """What `build` noted under this name about the call of this answer; None if it noted nothing."""
    try:
        return response.request.extensions.get(name)
    except RuntimeError:  # an answer to no request
        return None


def _tracking(tracking: Tracking) -> dict[str, str]:
    """What to track, by `TrackingConfigurationOverrides`. What is missing there, other settings would decide."""
    switches = {"OpenTrackingEnabled": tracking.opens, "ClickTrackingEnabled": tracking.clicks}
    return {name: "ENABLED" if is_on else "DISABLED" for name, is_on in switches.items()}


def _addresses(boxes: Iterable[Mailbox]) -> list[str]:
    return [mime.address(box.address) for box in boxes]


def _with_safe_names(message: Message) -> Message:
    """The message with file names that every host takes."""
    files = tuple(replace(one, filename=one.filename.translate(_REPLACED)) for one in message.content.attachments)
    return replace(message, content=replace(message.content, attachments=files))


PROVIDER: Final = Ses
