"""Makes DynamoDB's client refuse an answer that did not arrive whole.

botocore takes a body that it cannot read for an empty one, also if the status was 200: an email would not exist, and a
write would have been made, because a connection broke at the wrong moment. DynamoDB answers every call with a JSON
object and its length (Developer Guide, "DynamoDB low-level API", read 2026-11-29).
"""

from typing import Any

from botocore.exceptions import IncompleteReadError


def require_whole_answers(client: Any, retries: int) -> None:
    """Let `client` make a call again whose answer is not whole, up to `retries` times; then raise IncompleteReadError.

    Everything that is asked of DynamoDB may be asked again: its client does so after every lost answer.
    """

    def check(response: tuple[Any, Any] | None, attempts: int, **_: Any) -> float | None:
        answer = response and response[0]
        if not answer or answer.status_code != 200 or _is_whole(answer.headers, answer.content):
            return None
        if attempts > retries:
            raise IncompleteReadError(
                actual_bytes=len(answer.content), expected_bytes=answer.headers.get("Content-Length", "unknown")
            )
        return 0.0

    client.meta.events.register("needs-retry.dynamodb", check)


def _is_whole(headers: Any, body: bytes) -> bool:
    if headers.get("Content-Encoding", "identity") != "identity":
        return True  # the length is that of the encoded body, which is checked when it is decoded
    length = headers.get("Content-Length", str(len(body)))
    return length == str(len(body)) and body[:1] == b"{" and body.rstrip()[-1:] == b"}"
