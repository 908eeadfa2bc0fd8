"""Traces of OpenTelemetry, loaded only if a collector is named. Nothing but `app.wiring` knows this package.

spans     what `app.tracing` promises, over OpenTelemetry's SDK
export    how spans reach the collector, and what happens if they do not
xray      the signature that the collector of AWS X-Ray asks for
"""
