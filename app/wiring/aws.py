"""AWS clients, and the environment of a deployed process."""

import os
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.session import Session

from app import logs
from app.settings import Settings
from app.store.tables import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, RETRIES


def client(session: Session, settings: Settings, service: str) -> Any:
    """A botocore client of `service` that gives up as the store does: after three tries of some seconds."""
    return session.create_client(
        service,
        region_name=settings.aws_region,
        endpoint_url=settings.aws_endpoint_url,
        config=Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"max_attempts": RETRIES, "mode": "standard"},
            max_pool_connections=64,  # a server has 40 threads
        ),
    )


def deployed() -> tuple[Session, Settings]:
    """An AWS session and the settings of this process's environment. Configures the logs."""
    settings = Settings.from_env(os.environ)
    logs.configure(settings.log_level, settings.service_name, settings.metrics_namespace)
    return botocore.session.get_session(), settings
