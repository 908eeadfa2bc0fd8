"""Clients of the AWS emulator. They ignore the machine's AWS profiles, configuration files and proxies."""

import os
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.config import Config


def client(service: str, env: Mapping[str, str]) -> Any:
    """A botocore client of `service` with the endpoint and the credentials of `env` (see `environment.deployed`)."""
    session = botocore.session.Session(
        session_vars={
            "profile": (None, [], None, None),
            "config_file": (None, [], os.devnull, None),
            "credentials_file": (None, [], os.devnull, None),
        }
    )
    return session.create_client(
        service,
        region_name=env["AWS_REGION"],
        endpoint_url=env["AWS_ENDPOINT_URL"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            connect_timeout=2,
            read_timeout=10,
            retries={"total_max_attempts": 2, "mode": "standard"},
            max_pool_connections=16,
            proxies={},
        ),
    )
