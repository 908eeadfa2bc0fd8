"""What the page about the API shows to receivers of webhooks does what it says."""

import re
import time
from pathlib import Path
from typing import Any

from app.outgoing.signing import secret_of, signed_headers

BODY = b'{"type": "email.bounced", "data": {"recipient": "ann@example.com"}}'


def test_the_receiver_in_python_takes_what_its_secret_signed_and_nothing_else() -> None:
    page = Path("docs/api.md").read_text(encoding="utf-8")
    (program,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "def receive(" in block)
    names: dict[str, Any] = {}
    exec(compile(program, "docs/api.md", "exec"), names)  # noqa: S102 because it is our own page
    headers = signed_headers([names["SECRET"]], "evt_1", int(time.time()), BODY)
    other = signed_headers([secret_of("m" * 32, "ep_other", 1)], "evt_1", int(time.time()), BODY)
    answers = [names["receive"](*one) for one in ((headers, BODY), (headers, BODY + b" "), (other, BODY), ({}, BODY))]
    assert answers == [204, 401, 401, 401]
