"""What a million emails cost at AWS, by item, and what an installation costs that does nothing."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from app.domain.lane import Lane
from app.metrics import VIEWS
from app.settings import Process
from bench import assumptions as paper
from bench.simulation.installation import DEPLOYED, MEMORY_MB, attempt_s, own_time_s
from infra import template
from infra.account_alarms import ALARMS

GB: Final = 1e9
STEPS: Final = ("accept", "attempt", "webhook")
DAY_S: Final = 86_400
VALUES: Final = {
    "provider": paper.ACCOUNTS,
    "outcome": paper.OUTCOMES,
    "lane": len(Lane),
}  # of what a metric is split by


class Item(NamedTuple):
    """One item of the bill: what is paid for, how much of it an email takes, and dollars for a million emails."""

    title: str
    quantity: str
    usd: float


def items() -> list[Item]:
    """What grows with the emails: those of 10 KB to one recipient, delivered by the first provider."""
    writes, stored_gb = sum(paper.WRITE_UNITS.values()), paper.STORED_BYTES / GB * paper.MILLION
    months = paper.KEPT_DAYS / paper.DAYS_A_MONTH
    requests = 1 + paper.WEBHOOKS_AN_EMAIL
    runs = requests + 1
    gb_s = function_gb_s()
    log_bytes, keeping_usd = logged_bytes(), paper.LOGS_GB_MONTH_USD.value
    logs_gb, kept_days = log_bytes / GB * paper.MILLION, DEPLOYED["production"]["stack"]["LogRetentionDays"]
    egress_bytes = paper.EMAIL_TO_PROVIDER_BYTES + paper.ANSWER_BYTES
    kept = stored_gb * months
    return [
        Item("DynamoDB, writes", f"{writes} units", writes * paper.WRITE_UNITS_MILLION_USD.value),
        *(
            Item(f"DynamoDB, writes of the {what}", f"{units:g} units", units * paper.WRITE_UNITS_MILLION_USD.value)
            for what, units in paper.CHANGE_WRITE_UNITS.items()
        ),
        Item("API Gateway", f"{requests:.0f} requests", requests * paper.GATEWAY_REQUESTS_MILLION_USD.value),
        Item("Lambda, time", f"{gb_s:.3f} GB-s", gb_s * paper.MILLION * paper.LAMBDA_GB_SECOND_USD.value),
        Item("CloudWatch, logs", f"{log_bytes:,} bytes", logs_gb * paper.LOGS_GB_USD.value),
        Item("CloudWatch, logs kept", f"for {kept_days} days", logs_gb * kept_days / paper.DAYS_A_MONTH * keeping_usd),
        Item(
            "to the internet", f"{egress_bytes:,} bytes", egress_bytes / GB * paper.MILLION * paper.EGRESS_GB_USD.value
        ),
        Item("Lambda, requests", f"{runs:.0f}", runs * paper.LAMBDA_REQUESTS_MILLION_USD.value),
        Item("SNS", "1 publish", paper.TOPIC_PUBLISHES_MILLION_USD.value + paper.TOPIC_TO_LAMBDA_MILLION_USD.value),
        Item("DynamoDB, reads", f"{paper.READ_UNITS} units", paper.READ_UNITS * paper.READ_UNITS_MILLION_USD.value),
        Item(
            "DynamoDB, storage and recovery",
            f"{paper.STORED_BYTES:,} bytes for {paper.KEPT_DAYS} days",
            kept * (paper.TABLE_GB_MONTH_USD.value + paper.RECOVERY_GB_MONTH_USD.value),
        ),
    ]


def fixed() -> list[Item]:
    """What is paid each month whatever is sent, with `ACCOUNTS` accounts of providers. `usd` is that of a month."""
    metrics, alarms, secrets = custom_metrics(), alarm_count(), len(Process)
    polls = paper.POLLS_A_MONTH * (len(Lane) + 1)  # a delay queue of each lane, and the queue of notifications
    return [
        Item("CloudWatch, metrics", f"{metrics}", metrics * paper.METRIC_MONTH_USD.value),
        Item("CloudWatch, alarms", f"{alarms}", alarms * paper.ALARM_MONTH_USD.value),
        Item("CloudWatch, dashboard", "1", paper.DASHBOARD_MONTH_USD.value),
        Item("SQS, Lambda's polling", f"{polls:,} requests", polls / 1e6 * paper.QUEUE_REQUESTS_MILLION_USD.value),
        Item("Secrets Manager", f"{secrets} secrets", secrets * paper.SECRET_MONTH_USD.value),
    ]


def failover_usd() -> float:
    """What a failover adds to a million emails that have one each: units, a publish, a worker's run, its log."""
    return (
        (sum(paper.FAILOVER_WRITE_UNITS.values()) + paper.FAILOVER_FEED_WRITE_UNITS)
        * paper.WRITE_UNITS_MILLION_USD.value
        + 2 * paper.READ_UNITS_MILLION_USD.value
        + paper.TOPIC_PUBLISHES_MILLION_USD.value
        + paper.LAMBDA_REQUESTS_MILLION_USD.value
        + gb_s_of("attempt", attempt_s()) * paper.MILLION * paper.LAMBDA_GB_SECOND_USD.value
        + (paper.LOG_BYTES["attempt"] + paper.INVOCATION_LOG_BYTES) / GB * paper.MILLION * paper.LOGS_GB_USD.value
    )


def function_gb_s() -> float:
    """The GB-seconds of the three functions that an email runs."""
    times = {step: own_time_s(step) for step in STEPS} | {"attempt": attempt_s()}
    return sum(gb_s_of(step, seconds) for step, seconds in times.items())


def gb_s_of(step: str, seconds: float) -> float:
    """The GB-seconds of one step."""
    return MEMORY_MB[step] / 1024 * seconds


def logged_bytes() -> int:
    """The bytes of the log lines of an email: ours, Lambda's own of each run, API Gateway's of each request."""
    runs = len(STEPS) * (paper.INVOCATION_LOG_BYTES + 3 * paper.LOG_EVENT_BYTES)
    requests = 2 * (paper.ACCESS_LOG_BYTES + paper.LOG_EVENT_BYTES)
    return sum(paper.LOG_BYTES.values()) + runs + requests


def custom_metrics() -> int:
    """How many metrics the log lines make: each view once for each combination of what it is split by."""
    views = {(view.name, view.dimensions) for found in VIEWS.values() for view in found}
    count = 0
    for _, dimensions in views:
        combinations = 1
        for dimension in dimensions:
            combinations *= VALUES.get(dimension, 1)
        count += combinations
    return count


def alarm_count() -> int:
    """How many alarms there are: those of the template, and those of each account."""
    types = [str(resource["Type"]) for resource in template.load()["Resources"].values()]
    return types.count("AWS::CloudWatch::Alarm") + len(ALARMS) * paper.ACCOUNTS


def per_million() -> float:
    """Dollars for a million emails, without what is fixed."""
    return sum(item.usd for item in items())


def fixed_usd() -> float:
    """Dollars a month, whatever is sent."""
    return sum(item.usd for item in fixed())


def emails_a_month(rate_per_s: float) -> float:
    """How many emails a steady rate makes in a month."""
    return rate_per_s * DAY_S * paper.DAYS_A_MONTH


def table(rates: Sequence[float]) -> str:
    """The bill as Markdown: the items, and what they come to at these rates."""
    lines = ["| item | an email takes | $ a million |", "|---|---|---|"]
    ordered = sorted(items(), key=lambda item: -item.usd)
    lines += [f"| {item.title} | {item.quantity} | {item.usd:.2f} |" for item in ordered]
    lines += [f"| **together** | | **{per_million():.2f}** |", f"| a failover adds | | {failover_usd():.2f} |"]
    lines += ["", "| each month, whatever is sent | | $ |", "|---|---|---|"]
    lines += [f"| {item.title} | {item.quantity} | {item.usd:.2f} |" for item in fixed()]
    lines += [f"| **together** | | **{fixed_usd():.2f}** |"]
    lines += ["", "| emails | a month | $ a month |", "|---|---|---|"]
    lines += [f"| a million a month | 1 million | {fixed_usd() + per_million():,.0f} |"]
    for rate in rates:
        millions = emails_a_month(rate) / paper.MILLION
        lines.append(
            f"| {rate:,.0f} a second | {millions:,.0f} million | {fixed_usd() + millions * per_million():,.0f} |"
        )
    return "\n".join(lines) + "\n"
