"""`make chaos`: sends emails while providers fail and workers are killed, and then audits every email.

    python -m bench.chaos [--emails 2000] [--seed N] [--chaos-s 120] [--per-second 0] [--capped]

Every second each provider gets another behavior, and every few seconds all worker processes are killed (-9). The local
stack starts its own worker again, but waits longer each time; this script starts a second worker again at once. The
waits are shorter than the defaults, but use the same code. The exit status is 1 if a guarantee was broken.
"""

import argparse
import random
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from uuid import uuid4

import httpx

from app.domain.caps import Caps
from bench.audit import ENDS, PROVIDERS, Copy, Finding, examine, examine_caps, read_copy
from bench.faults import WORKS, Disruption, worker
from bench.installations import installation
from tests.support.installation import EMAIL, Installation

SETTINGS: Final = {
    "PROVIDERS": "sendgrid,mailgun,ses",
    "UNCERTAIN_WAIT_S": "3",
    "PROVIDER_TIMEOUT_S": "2",
    "WORKER_TIMEOUT_S": "4",
    "RETRY_FOR_S": "180",
    "LOG_LEVEL": "WARNING",
    "INBOX_LIMIT": "100000",  # every copy is counted
}
CAPS: Final = {"sendgrid": Caps(per_second=30), "mailgun": Caps(daily=300), "ses": Caps(per_second=20)}  # --capped
SENDERS: Final = 4
SETTLE_WITHIN_S: Final = 300.0
POLICIES: Final = ("wait",) * 8 + ("failover", "fail")


def main() -> int:
    """Run the command line and print the findings."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos")
    parser.add_argument("--emails", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="of the faults and the kills")
    parser.add_argument("--chaos-s", type=float, default=120, help="seconds of chaos, at least until all are accepted")
    parser.add_argument("--per-second", type=float, default=0, help="emails accepted a second; 0: as fast as can be")
    parser.add_argument("--capped", action="store_true", help="the accounts have caps")
    options = parser.parse_args()
    caps = CAPS if options.capped else {}
    began_s = time.monotonic()
    with installation(SETTINGS | variables(caps)) as installed, worker(installed) as own:
        disruption = Disruption(installed, random.Random(options.seed))  # noqa: S311 because it is no secret
        threads = [
            threading.Thread(target=disruption.fail_providers),
            threading.Thread(target=disruption.kill_workers, args=(own,)),
        ]
        for thread in threads:
            thread.start()
        try:
            emails = send(installed, options.emails, options.per_second)
            accepted_s = time.monotonic() - began_s
            time.sleep(max(0.0, options.chaos_s - accepted_s))
        finally:
            disruption.stop.set()
            for thread in threads:
                thread.join()
        repair_providers(installed)
        repaired_s = time.monotonic() - began_s
        stories = settled_stories(installed, list(emails))
        settled_s = time.monotonic() - began_s
        time.sleep(2)  # so that a copy that is still under way is counted
        copies: dict[str, list[Copy]] = defaultdict(list)
        messages = installed.control.get("/control/messages", timeout=60).json()
        for message in messages:
            copies[message["metadata"]["em_email_id"]].append(read_copy(message))
    always_open = {provider for provider in PROVIDERS if caps.get(provider, Caps()).daily is None}
    findings = examine_caps(messages, caps) + [
        finding
        for email_id, policy in emails.items()
        for finding in examine(email_id, stories[email_id], copies[email_id], policy, always_open)
    ]
    print(
        f"seed {options.seed}; all accepted after {accepted_s:.0f} s, providers repaired after {repaired_s:.0f} s, "
        f"all settled after {settled_s:.0f} s"
    )
    print(f"worker processes killed: {disruption.kills}; behaviors set: {sum(disruption.behaviors.values())}")
    summarize(emails, stories, copies)
    return print_findings(findings, stories)


def variables(caps: Mapping[str, Caps]) -> dict[str, str]:
    """The environment variables that set `caps`, which are by account."""
    named = {f"{provider.upper()}_DAILY_CAP": cap.daily for provider, cap in caps.items()}
    named |= {f"{provider.upper()}_PER_SECOND_CAP": cap.per_second for provider, cap in caps.items()}
    return {name: str(cap) for name, cap in named.items() if cap is not None}


def send(installed: Installation, count: int, per_second: float) -> dict[str, str]:
    """Send `count` emails, several at once. Returns the `on_uncertain` of each by its id."""
    began_s = time.monotonic()

    def one(number: int) -> tuple[str, str]:
        if per_second:
            time.sleep(max(0.0, began_s + number / per_second - time.monotonic()))
        policy = POLICIES[number % len(POLICIES)]
        recipients = {"to": [f"to{number}@example.net"]}
        if number % 10 == 0:
            recipients |= {"cc": [f"cc{number}@example.net"], "bcc": [f"bcc{number}@example.net"]}
        body = {**EMAIL, **recipients, "on_uncertain": policy}
        key = {"Idempotency-Key": uuid4().hex}
        for _ in range(5):
            try:
                answer = installed.api.post("/v1/emails", json=body, headers=key)
            except httpx.TransportError:
                continue
            if answer.status_code in (200, 202):
                return answer.json()["id"], policy
        raise RuntimeError("the API accepts nothing")

    with ThreadPoolExecutor(SENDERS) as pool:
        return dict(pool.map(one, range(count)))


def repair_providers(installed: Installation) -> None:
    """Let every provider work again. The inbox keeps what was taken."""
    for provider in WORKS:
        installed.fault(provider)


def settled_stories(installed: Installation, email_ids: Sequence[str]) -> dict[str, dict[str, Any] | None]:
    """The stories after all emails have settled, or after SETTLE_WITHIN_S. None: the API knows no such email."""
    stories: dict[str, dict[str, Any] | None] = {}
    waiting, deadline_s = list(email_ids), time.monotonic() + SETTLE_WITHIN_S
    with ThreadPoolExecutor(SENDERS) as pool:
        while waiting:
            stories.update(zip(waiting, pool.map(lambda email_id: read(installed, email_id), waiting), strict=True))
            waiting = [email_id for email_id in waiting if is_open(stories[email_id])]
            if time.monotonic() > deadline_s:
                break
            print(f"{len(waiting)} under way", file=sys.stderr)
            time.sleep(3)
        # All are read once more, because an email that was `sent` then may have been reported on since.
        stories.update(zip(email_ids, pool.map(lambda email_id: read(installed, email_id), email_ids), strict=True))
    return stories


def read(installed: Installation, email_id: str) -> dict[str, Any] | None:
    """The story of an email, if the API knows it."""
    answer = installed.api.get(f"/v1/emails/{email_id}")
    return answer.json() if answer.status_code == 200 else None


def is_open(story: dict[str, Any] | None) -> bool:
    """Whether a recipient of the email is still queued or sending."""
    return story is not None and any(each["status"] not in {*ENDS, "sent"} for each in story["recipients"])


def summarize(emails: dict[str, str], stories: dict[str, Any], copies: dict[str, list[Copy]]) -> None:
    """Print the totals of the run."""
    known = [story for story in stories.values() if story]
    recipients = [each for story in known for each in story["recipients"]]
    attempts = [attempt for story in known for attempt in story["attempts"]]
    held = Counter(
        sum(each["address"] in copy.recipients for copy in copies[story["id"]])
        for story in known
        for each in story["recipients"]
    )
    print(f"accepted emails: {len(emails)}, recipients: {len(recipients)}, provider calls: {len(attempts)}")
    print("emails by status: " + as_list(Counter(story["status"] for story in known)))
    print("recipients by status: " + as_list(Counter(each["status"] for each in recipients)))
    print("attempts by outcome: " + as_list(Counter(str(attempt["outcome"]) for attempt in attempts)))
    print("recipients by copies taken: " + as_list(held))


def print_findings(findings: Sequence[Finding], stories: dict[str, Any]) -> int:
    """Print what is wrong. Returns the exit status."""
    rules = Counter(finding.rule for finding in findings)
    for rule in ("lost", "stuck", "a second copy without a reason"):
        print(f"{rule}: {rules[rule]}")
    print(f"violations: {len(findings)}" + (f" ({as_list(rules)})" if findings else ""))
    for finding in findings[:10]:
        print(f"{finding.email_id}: {finding.rule}: {finding.seen}\n{stories.get(finding.email_id)}", file=sys.stderr)
    return 1 if findings else 0


def as_list(counts: Counter[Any]) -> str:
    """The counts as a text such as `sent 3, failed 1`."""
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


if __name__ == "__main__":
    sys.exit(main())
