"""The variables of tracing, which are OpenTelemetry's own. Tracing is on if they name a collector."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from app.errors import ConfigurationError

# Source of names and values: opentelemetry.io/docs/specs/otel, "Environment Variable Specification" and "OpenTelemetry
# Protocol Exporter" (2026-11-30).
ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
SAMPLER: Final = "OTEL_TRACES_SAMPLER"
SAMPLER_ARGUMENT: Final = "OTEL_TRACES_SAMPLER_ARG"
SAMPLERS: Final = ("always_on", "always_off", "traceidratio")
PROTOCOL: Final = "http/protobuf"  # the default of the specification, and the one that we speak

# Where AWS X-Ray takes OTLP: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html
# (2026-11-30).
XRAY: Final = re.compile(r"https://xray\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/")

EXPORTER: Final = "OTEL_TRACES_EXPORTER"
DISABLED: Final = "OTEL_SDK_DISABLED"
# What we read, or let the SDK read, and document.
PLAIN: Final = frozenset(
    {
        *(ENDPOINT, TRACES_ENDPOINT, SAMPLER, SAMPLER_ARGUMENT, EXPORTER, DISABLED),
        *("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"),
    }
)
HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS"  # it holds the key of whoever sells a collector
# What else is specified, and no mistake in writing one of the above.
SPECIFIED: Final = frozenset(
    {
        *("OTEL_PROPAGATORS", "OTEL_LOG_LEVEL", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"),
        *(
            f"OTEL_EXPORTER_OTLP_{signal}{what}"
            for signal in ("", "TRACES_", "METRICS_", "LOGS_")
            for what in (
                *("ENDPOINT", "HEADERS", "PROTOCOL", "TIMEOUT", "COMPRESSION", "INSECURE"),
                *("CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"),
            )
        ),
    }
)


def endpoint(env: Mapping[str, str]) -> str:
    """Where traces are sent, a whole URL; "" if nobody asks for them, or if OTEL_SDK_DISABLED or an exporter says no.

    Raises ConfigurationError naming what is malformed, or what the specification allows and we cannot do.
    """
    name, url = (TRACES_ENDPOINT, env.get(TRACES_ENDPOINT, "").strip()) if env.get(TRACES_ENDPOINT) else (ENDPOINT, "")
    if name == ENDPOINT and (base := env.get(ENDPOINT, "").strip()):
        url = f"{base.removesuffix('/')}/v1/traces"
    exporter = (env.get(EXPORTER) or "otlp").strip().lower()
    if not url or exporter == "none" or env.get(DISABLED, "").strip().lower() == "true":
        return ""
    _check_url(name, url)
    if exporter != "otlp":
        raise ConfigurationError(f"{EXPORTER}: must be otlp or none, is {exporter!r}")
    for protocol in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if (value := env.get(protocol) or PROTOCOL) != PROTOCOL:
            raise ConfigurationError(f"{protocol}: must be {PROTOCOL}, is {value!r}; its port is mostly 4318")
    _check_sampler(env)
    return url


def _check_url(name: str, url: str) -> None:
    """Refuse what `requests` would refuse for every batch, and what would put a password where none may stand."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port or an IPv6 address that is none
        is_one = False
    if not is_one or len(url.split()) > 1:
        raise ConfigurationError(f"{name}: must be a URL such as http://127.0.0.1:4318")
    if "@" in parts.netloc:
        raise ConfigurationError(f"{name}: may hold no user and password; {HEADERS} is the place for them")
    if name == ENDPOINT and (parts.query or parts.path.count("/v1/traces") > 1):
        raise ConfigurationError(f"{name}: /v1/traces is put behind it; a whole address belongs in {TRACES_ENDPOINT}")


def _check_sampler(env: Mapping[str, str]) -> None:
    """Refuse a sampler that the SDK would pass over: it would record everything, which somebody pays for."""
    sampler = (env.get(SAMPLER) or "parentbased_always_on").strip().lower()
    if sampler.removeprefix("parentbased_") not in SAMPLERS:
        known = ", ".join((*SAMPLERS, *(f"parentbased_{name}" for name in SAMPLERS)))
        raise ConfigurationError(f"{SAMPLER}: must be one of {known}, is {sampler!r}")
    argument = env.get(SAMPLER_ARGUMENT) or "1"
    try:
        share = float(argument)
    except ValueError:
        share = -1
    if sampler.endswith("traceidratio") and not 0 <= share <= 1:
        raise ConfigurationError(f"{SAMPLER_ARGUMENT}: must be from 0 to 1, such as 0.01, is {argument!r}")
