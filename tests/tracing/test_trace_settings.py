"""The variables of tracing are OpenTelemetry's own, and one that cannot be honoured is named."""

import pytest

from app import trace_settings
from app.errors import ConfigurationError

URL = "http://127.0.0.1:4318"
ON = {"OTEL_EXPORTER_OTLP_ENDPOINT": URL}


@pytest.mark.parametrize(
    ("env", "endpoint"),
    [
        ({}, ""),
        ({"OTEL_SERVICE_NAME": "mail", "OTEL_TRACES_SAMPLER": "no such"}, ""),
        (ON, f"{URL}/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": f"{URL}/"}, f"{URL}/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, ""),
        (ON | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{URL}/other"}, f"{URL}/other"),
        (ON | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": ""}, f"{URL}/v1/traces"),
        (ON | {"OTEL_SDK_DISABLED": "true"}, ""),
        (ON | {"OTEL_SDK_DISABLED": "false", "OTEL_TRACES_EXPORTER": "otlp"}, f"{URL}/v1/traces"),
        (ON | {"OTEL_TRACES_EXPORTER": "none"}, ""),
        (
            ON | {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"},
            f"{URL}/v1/traces",
        ),
        (ON | {"OTEL_TRACES_SAMPLER": "always_off"}, f"{URL}/v1/traces"),
    ],
)
def test_a_collector_that_is_named_is_the_switch(env: dict[str, str], endpoint: str) -> None:
    assert trace_settings.endpoint(env) == endpoint


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, r"OTEL_EXPORTER_OTLP_ENDPOINT: must be a URL such as http"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "grpc://x"}, r"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: must be a URL"),
        *(
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": url}, r"OTEL_EXPORTER_OTLP_ENDPOINT: must be a URL such as http")
            for url in ("http://[::1", "http://collector:port", "http://collector:99999", "http://collector :4318")
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://user:password@collector:4318"},
            r"OTEL_EXPORTER_OTLP_ENDPOINT: may hold no user and password; OTEL_EXPORTER_OTLP_HEADERS is the place",
        ),
        *(
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": url}, r"OTEL_EXPORTER_OTLP_ENDPOINT: /v1/traces is put behind it; a whole")
            for url in ("https://xray.us-east-1.amazonaws.com/v1/traces", "http://collector:4318/?key=x")
        ),
        (
            ON | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            r"OTEL_EXPORTER_OTLP_PROTOCOL: must be http/protobuf, is 'grpc'",
        ),
        (ON | {"OTEL_TRACES_EXPORTER": "zipkin"}, r"OTEL_TRACES_EXPORTER: must be otlp or none, is 'zipkin'"),
        (ON | {"OTEL_TRACES_SAMPLER": "ratio"}, r"OTEL_TRACES_SAMPLER: must be one of always_on, .*, is 'ratio'"),
        *(
            (
                ON | {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": share},
                rf"OTEL_TRACES_SAMPLER_ARG: must be from 0 to 1, such as 0.01, is '{share}'",
            )
            for share in ("5", "-0.1", "half", "nan")
        ),
    ],
)
def test_what_cannot_be_honoured_is_named(env: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{why}"):
        trace_settings.endpoint(env)
