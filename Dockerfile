# One image per entry point, on AWS's base image, from the same lock as the zip:
#   docker build --platform linux/amd64 --provenance=false --target api -t emailsminder:api .   (attempts, deliveries,
#       changes and sweep likewise; linux/arm64 if `architecture` is arm64 in zappa_settings.json, whose `runtime` says the
#       version of Python here)
#   docker build --target server -t emailsminder:server .  (the API with uvicorn, anywhere)
# Both bases are arguments, so that a build can pin them: --build-arg LAMBDA=public.ecr.aws/lambda/python@sha256:…
ARG LAMBDA=public.ecr.aws/lambda/python:3.13
ARG PYTHON=python:3.13-slim

FROM ${LAMBDA} AS function
# With traces (docs/tracing.md): --build-arg LIBRARIES=tracing
ARG LIBRARIES=runtime
COPY requirements/runtime.txt requirements/tracing.txt requirements/
RUN python -m pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: --no-compile \
        --target "${LAMBDA_TASK_ROOT}" --requirement requirements/${LIBRARIES}.txt \
    && rm -r requirements
COPY app ${LAMBDA_TASK_ROOT}/app
COPY workers ${LAMBDA_TASK_ROOT}/workers
# Bytecode that does not look at dates: half of a cold start is compiling.
RUN python -m compileall -q --invalidation-mode unchecked-hash "${LAMBDA_TASK_ROOT}"
# Lambda brings a user of its own; everywhere else this one, who owns nothing here.
USER 65534:65534

FROM function AS api
CMD ["app.main.handler"]

FROM function AS attempts
CMD ["workers.attempts.handler"]

FROM function AS deliveries
CMD ["workers.deliveries.handler"]

FROM function AS changes
CMD ["workers.changes.handler"]

FROM function AS sweep
CMD ["workers.sweep.handler"]

FROM ${PYTHON} AS server
WORKDIR /srv
COPY requirements/local.txt requirements/tracing.txt requirements/
# Both locks pin what they share in the same version. Here OpenTelemetry, 8 MB, is always at hand.
RUN python -m pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: --requirement requirements/local.txt \
    && python -m pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: --requirement requirements/tracing.txt \
    && rm -r requirements
COPY app app
COPY workers workers
RUN python -m compileall -q --invalidation-mode unchecked-hash .
USER 65534:65534
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
# A load balancer keeps its connections for 60 seconds: whoever closes first must not be the server.
CMD ["uvicorn", "app.main:app", "--host", "0.0.0.0", "--port", "8000", "--no-access-log", \
    "--http", "app.api.http11:Protocol", "--timeout-keep-alive", "75"]
