"""What docs/scaling.md and the simulation rest on: prices, quotas, what was measured, and what is assumed.

Every number of them is here, with its unit in its name, and with where it comes from and when. `VERIFIED` sources were
read when this was written; a price or a quota whose sources end in `UNVERIFIED` is known from use, and could not be
looked up. Prices are list prices in dollars of us-east-1, of the first tier, without a free tier.
"""

from dataclasses import dataclass
from typing import Final

MILLION: Final = 1_000_000
DAYS_A_MONTH: Final = 30
VERIFIED: Final = "read 2026-11-30"
UNVERIFIED: Final = "not verified"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its source. `value` is in the unit that the name of the constant says."""

    value: float
    source: str


# ---- Prices ----

WRITE_UNITS_MILLION_USD: Final = Figure(0.625, f"DynamoDB on demand since November 2024; third parties, {VERIFIED}")
READ_UNITS_MILLION_USD: Final = Figure(0.125, f"DynamoDB on demand since November 2024; third parties, {VERIFIED}")
TABLE_GB_MONTH_USD: Final = Figure(0.25, f"DynamoDB, pricing page, {VERIFIED}")
RECOVERY_GB_MONTH_USD: Final = Figure(0.20, f"DynamoDB, point-in-time recovery, {UNVERIFIED}")
LAMBDA_REQUESTS_MILLION_USD: Final = Figure(0.20, f"Lambda, x86; third parties, {VERIFIED}")
LAMBDA_GB_SECOND_USD: Final = Figure(0.0000166667, f"Lambda, x86, first 6 billion; third parties, {VERIFIED}")
GATEWAY_REQUESTS_MILLION_USD: Final = Figure(3.50, f"API Gateway, REST, first 333 million; whitepaper, {VERIFIED}")
TOPIC_PUBLISHES_MILLION_USD: Final = Figure(0.50, f"SNS standard topic; third parties, {VERIFIED}")
TOPIC_TO_LAMBDA_MILLION_USD: Final = Figure(0.0, f"SNS to Lambda is free, {UNVERIFIED}")
QUEUE_REQUESTS_MILLION_USD: Final = Figure(0.40, f"SQS standard queue, {UNVERIFIED}")
LOGS_GB_USD: Final = Figure(0.50, f"CloudWatch Logs, ingestion, first 10 TB; third parties, {VERIFIED}")
LOGS_GB_MONTH_USD: Final = Figure(0.03, f"CloudWatch Logs, storage, as if not packed; third parties, {VERIFIED}")
METRIC_MONTH_USD: Final = Figure(0.30, f"CloudWatch, custom metric, first 10,000; third parties, {VERIFIED}")
ALARM_MONTH_USD: Final = Figure(0.10, f"CloudWatch, alarm of one metric, {UNVERIFIED}")
DASHBOARD_MONTH_USD: Final = Figure(3.0, f"CloudWatch, dashboard beyond the third, {UNVERIFIED}")
SECRET_MONTH_USD: Final = Figure(0.40, f"Secrets Manager; third parties, {VERIFIED}")
EGRESS_GB_USD: Final = Figure(0.09, f"to the internet, first 10 TB; third parties, {VERIFIED}")
TRACES_MILLION_USD: Final = Figure(5.0, f"X-Ray, recorded traces, if xray_tracing is on, {UNVERIFIED}")

# ---- Quotas: what an account has unless it asks for more. Those that nobody can raise say so. ----

LAMBDA_CONCURRENCY: Final = Figure(1000, f"of all functions of an account; a new one may have ten; AWS, {VERIFIED}")
LAMBDA_GROWTH_A_SECOND: Final = Figure(100, f"1,000 in 10 s for each function, fixed; Developer Guide, {VERIFIED}")
TABLE_UNITS_A_SECOND: Final = Figure(40_000, f"writes of a table on demand; DynamoDB, Developer Guide, {VERIFIED}")
NEW_TABLE_UNITS_A_SECOND: Final = Figure(4000, f"writes of a new table; twice its peak later; re:Post, {VERIFIED}")
KEY_WRITES_A_SECOND: Final = Figure(1000, f"units of one partition, fixed; re:Post, {VERIFIED}")
KEY_READS_A_SECOND: Final = Figure(3000, f"units of one partition, fixed; re:Post, {VERIFIED}")
PUBLISHES_A_SECOND: Final = Figure(30_000, f"SNS, us-east-1; 9,000 to 300 elsewhere; third parties, {VERIFIED}")
GATEWAY_REQUESTS_A_SECOND: Final = Figure(10_000, f"of an account; 2,500 in some regions; Developer Guide, {VERIFIED}")

# Calls a second that a provider takes, as far as one is known; what an account may send is its plan's business.
PROVIDER_CALLS_A_SECOND: Final = {
    "SendGrid": Figure(10_000, "documented in 2021, not verified since"),
    "Brevo": Figure(1000, "2,000 and 6,000 on larger plans; third parties, May 2026"),
    "Resend": Figure(10, "of a team; 2 and 5 in earlier documentation; third parties, 2026"),
    "MailerSend": Figure(2, "120 a minute, and 100 to 500,000 a day by plan; third parties, August 2026"),
    "Amazon SES, sandbox": Figure(
        1, "and 200 a day; beyond it, what AWS grants the account (MaxSendRate); AWS, November 2026"
    ),
}

# How Lambda treats an event that it cannot start a function for (Developer Guide, asynchronous invocation, VERIFIED).
RETRY_FIRST_S: Final = 1.0
RETRY_LONGEST_S: Final = 300.0
RETRY_JITTER: Final = 0.5  # assumed: AWS does not say how the retries of many events are spread

# ---- Measured. tests/bench/test_assumptions.py measures units, bytes and round trips anew. ----

# Write units of a delivered email of 10 KB to one recipient, by what they are written to (docs/storage.md).
WRITE_UNITS: Final = {"emails": 9, "due": 2, "created": 1}
# What one failover adds.
FAILOVER_WRITE_UNITS: Final = {"emails": 2, "due": 2, "created": 0}
# What the same email takes beside its own: an entry of the feed for each head that says something new, and the numbers
# under load, when a write of two units counts a hundred changes. The log of deliveries is not among them: no email has
# one without an endpoint.
CHANGE_WRITE_UNITS: Final = {"feed": 3.0, "stats": 0.06}
FAILOVER_FEED_WRITE_UNITS: Final = 1
# By sizes, because no emulator counts reads as AWS does: accept 1, attempt 2, webhook 1 (docs/storage.md).
READ_UNITS: Final = 4
ROUND_TRIPS: Final = {"accept": 3, "attempt": 4, "webhook": 3}
# Bytes of the log lines of a delivered email, as the deployed functions write them at INFO, with their metrics.
LOG_BYTES: Final = {"accept": 437, "attempt": 1876, "webhook": 1535}
# Bytes of its items while they are kept, with their entries in the indexes.
STORED_BYTES: Final = 3909
# CPU of a whole core, in ms (docs/performance.md, 2026-11-29). The webhook has one event: 0.71 of what accepting took
# in the same run of `python -m bench.bulk --events 1` and `python -m bench.throughput` (2026-11-30).
CPU_MS: Final = {"accept": 4.74, "attempt": 5.57, "webhook": 3.4, "sweep": 0.26}
COLD_START_CPU_MS: Final = {"accept": 830, "attempt": 494}

# ---- Assumed ----

AWS_CALL_MS: Final = 5.0  # a call of DynamoDB or SNS from Lambda in the same region
MB_OF_A_CORE: Final = 1769  # Lambda gives a function of so much memory one core (Developer Guide, VERIFIED)
TOPIC_TO_LAMBDA_MS: Final = 100.0  # from the publish until the worker is started
PROVIDER_CALL_MS: Final = 200.0  # a provider that works
PROVIDER_REFUSAL_MS: Final = 100.0  # a provider that answers 503
INVOCATION_LOG_BYTES: Final = 300  # Lambda's own START, END and REPORT
ACCESS_LOG_BYTES: Final = 293  # API Gateway's line of one request
LOG_EVENT_BYTES: Final = 26  # CloudWatch adds so much to each line (its documentation, not verified)
WEBHOOKS_AN_EMAIL: Final = 1.0  # one event a request; providers that send batches cost less
KEPT_DAYS: Final = 8  # a day until expires_at, and seven more (app.delivery.accept)
EMAIL_TO_PROVIDER_BYTES: Final = 12_000  # the email of 10 KB as JSON with headers
ANSWER_BYTES: Final = 800  # of POST /v1/emails, with headers
POLLS_A_MONTH: Final = 650_000  # Lambda's of an empty delay queue (docs/limits.md)
ACCOUNTS: Final = 2  # of providers in use
OUTCOMES: Final = 4  # different outcomes of an account's calls in a month, each a metric
PROCESS_COUNTS_EVERY_S: Final = 10  # a busy process writes its counts so often (app.delivery.pending_counts)
