"""What an installation needs at a rate of emails, which limit is met at which rate, and which setting moves it."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from app.domain.shards import MOST_SHARDS, SHARDS
from bench import assumptions as paper
from bench.simulation.installation import (
    CONCURRENCY,
    DEPLOYED,
    MEMORY_MB,
    SHIPPED,
    attempt_s,
    own_time_s,
    swept_per_run,
)

HEADROOM: Final = 2.0  # of workers: a provider that takes twice as long must not make a backlog
SPARE: Final = 1.25  # of writes and shards
REQUESTS_AN_EMAIL: Final = 1 + paper.WEBHOOKS_AN_EMAIL
TABLE_UNITS: Final = sum(paper.WRITE_UNITS.values())
# A shard of `due` takes so many units of an email that fails over once.
DUE_UNITS: Final = paper.WRITE_UNITS["due"] + paper.FAILOVER_WRITE_UNITS["due"]
WHOLE_CORE_MB: Final = paper.MB_OF_A_CORE


class Needs(NamedTuple):
    """Settings that fit a rate."""

    lambda_concurrency: int
    shards: int
    warm_writes: int
    sweep_mb: int


def needs(rate_per_s: float) -> Needs:
    """The settings for a steady rate: as shipped, unless that is too little."""
    workers = math.ceil(HEADROOM * rate_per_s * attempt_s() / 100) * 100
    shards = math.ceil(SPARE * rate_per_s * DUE_UNITS / paper.KEY_WRITES_A_SECOND.value)
    warm = math.ceil(SPARE * rate_per_s * paper.WRITE_UNITS["emails"] / 1000) * 1000
    return Needs(
        max(CONCURRENCY, workers),
        max(SHARDS, shards),
        max(int(paper.NEW_TABLE_UNITS_A_SECOND.value), warm),
        MEMORY_MB["sweep"] if _ten_minutes_swept_in_ten(rate_per_s) else WHOLE_CORE_MB,
    )


def _ten_minutes_swept_in_ten(rate_per_s: float) -> bool:
    return swept_per_run(MEMORY_MB["sweep"]) >= 60 * rate_per_s


class Limit(NamedTuple):
    """A limit, the rate of emails a second at which it is met, and what moves it."""

    what: str
    rate_per_s: float
    remedy: str


def limits() -> list[Limit]:
    """Every limit with the settings as shipped, in the order in which a growing rate meets them."""
    api_s = own_time_s("accept") + paper.WEBHOOKS_AN_EMAIL * own_time_s("webhook")
    writes, reads = paper.KEY_WRITES_A_SECOND.value, paper.KEY_READS_A_SECOND.value
    minute = swept_per_run(MEMORY_MB["sweep"])
    account, table = paper.LAMBDA_CONCURRENCY.value, paper.TABLE_UNITS_A_SECOND.value
    gateway = min(paper.GATEWAY_REQUESTS_A_SECOND.value, DEPLOYED["production"]["throttle"]["rate"])
    found = [
        Limit(
            f"workers while each call hangs for {SHIPPED.provider_timeout_s:.0f} s: {CONCURRENCY}",
            CONCURRENCY / SHIPPED.provider_timeout_s,
            "the breaker, after five such calls of one worker; `PROVIDER_TIMEOUT_S`",
        ),
        Limit(
            f"`emails`, a new table: {paper.NEW_TABLE_UNITS_A_SECOND.value:,.0f} write units a second at once",
            paper.NEW_TABLE_UNITS_A_SECOND.value / paper.WRITE_UNITS["emails"],
            "`stack.WarmWrites` before a launch; a table grows to twice its peak by itself",
        ),
        Limit(
            f"workers at a provider that takes {paper.PROVIDER_CALL_MS:.0f} ms: {CONCURRENCY}",
            CONCURRENCY / attempt_s(),
            "`lambda_concurrency` of `production_attempts_normal`",
        ),
        Limit(
            f"the sweep, which drains a backlog: {minute:,} emails a minute",
            minute / 60,
            f"`memory_size` of `production_sweep`: {WHOLE_CORE_MB:,} for {swept_per_run(WHOLE_CORE_MB):,}, the most",
        ),
        Limit(
            f"`due`: {writes:,.0f} units a second in each of {SHARDS} shards, {DUE_UNITS} of an email that fails over",
            SHARDS * writes / DUE_UNITS,
            f"`SHARDS`, {MOST_SHARDS} at most",
        ),
        Limit(
            f"an account's `…_PER_SECOND_CAP`: {writes:,.0f} places a second, each a write of one item",
            writes,
            "leave it out, or a second account (`sendgrid:eu`)",
        ),
        Limit(
            f"functions of an AWS account at once: {account:,.0f}",
            account / (attempt_s() + api_s),
            "Service Quotas: Lambda, Concurrent executions",
        ),
        Limit(
            f"an account's health, read before each call while it is impaired: {reads:,.0f} a second",
            reads,
            "no setting: take the account out of `PROVIDERS` for as long as it is down",
        ),
        Limit(
            f"an account's `…_DAILY_CAP`, read before each attempt: {reads:,.0f} a second",
            reads,
            "leave it out: the provider answers 429 all the same",
        ),
        Limit(
            f"`emails` with its indexes: {table:,.0f} write units a second, and `stack.WriteCeiling` if it is set",
            table / TABLE_UNITS,
            "Service Quotas: DynamoDB, table-level write throughput; `stack.WriteCeiling`",
        ),
        Limit(
            f"API Gateway: {gateway:,.0f} requests a second, {REQUESTS_AN_EMAIL:.0f} of an email",
            gateway / REQUESTS_AN_EMAIL,
            "Service Quotas: API Gateway, throttle rate; then `throttle.rate`",
        ),
        Limit(
            f"`due` with all {MOST_SHARDS} shards",
            MOST_SHARDS * writes / DUE_UNITS,
            "a second installation",
        ),
        Limit(
            f"SNS: {paper.PUBLISHES_A_SECOND.value:,.0f} publishes a second in us-east-1, 300 to 9,000 elsewhere",
            paper.PUBLISHES_A_SECOND.value,
            "Service Quotas: SNS, messages published a second",
        ),
    ]
    return sorted(found, key=lambda limit: limit.rate_per_s)


def limits_table() -> str:
    """The limits as Markdown."""
    lines = ["| met at, emails a second | limit | what moves it |", "|---|---|---|"]
    lines += [f"| {limit.rate_per_s:,.0f} | {limit.what} | {limit.remedy} |" for limit in limits()]
    return "\n".join(lines) + "\n"


def needs_table(rates: Sequence[float]) -> str:
    """What each rate needs, as Markdown."""
    rows: dict[str, list[str]] = {}
    for rate in rates:
        wanted = needs(rate)
        cells = {
            "requests a second at API Gateway": f"{rate * REQUESTS_AN_EMAIL:,.0f}",
            "API functions at once": f"{rate * (own_time_s('accept') + own_time_s('webhook')):,.0f}",
            "workers at once": f"{rate * attempt_s():,.0f}",
            "the same while every call takes 10 s": f"{rate * SHIPPED.provider_timeout_s:,.0f}",
            "write units a second, `emails`": f"{rate * paper.WRITE_UNITS['emails']:,.0f}",
            "write units a second, index `due`": f"{rate * paper.WRITE_UNITS['due']:,.0f}",
            "write units a second, index `created`": f"{rate * paper.WRITE_UNITS['created']:,.0f}",
            "a start from nothing to all workers, seconds": f"{_growth_s(wanted.lambda_concurrency):,.0f}",
            "**`lambda_concurrency`** of `production_attempts_normal`": f"**{wanted.lambda_concurrency:,}**",
            "**`SHARDS`**": f"**{wanted.shards}**",
            "**`stack.WarmWrites`** for a launch": f"**{wanted.warm_writes:,}**",
            "**`memory_size`** of `production_sweep`": f"**{wanted.sweep_mb:,}**",
        }
        for name, cell in cells.items():
            rows.setdefault(name, []).append(cell)
    head = " | ".join(f"{rate:,.0f}" for rate in rates)
    lines = [f"| emails a second | {head} |", "|---|" + "---|" * len(rates)]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    return "\n".join(lines) + "\n"


def _growth_s(workers: int) -> float:
    """How long Lambda takes to start so many functions, of which it starts those of ten seconds at once."""
    return max(0.0, workers / paper.LAMBDA_GROWTH_A_SECOND.value - 10)


def providers_table() -> str:
    """What is known of the providers' own limits, as Markdown."""
    lines = ["| provider | calls a second | |", "|---|---|---|"]
    lines += [
        f"| {name} | {figure.value:,.0f} | {figure.source} |" for name, figure in paper.PROVIDER_CALLS_A_SECOND.items()
    ]
    return "\n".join(lines) + "\n"


def sources_table() -> str:
    """Every price and quota with its source, as Markdown."""
    lines = ["| figure | value | source |", "|---|---|---|"]
    for name, figure in vars(paper).items():
        if isinstance(figure, paper.Figure):
            value = f"{figure.value:,.10f}".rstrip("0").rstrip(".")
            lines.append(f"| {name.lower().replace('_', ' ')} | {value} | {figure.source} |")
    return "\n".join(lines) + "\n"
