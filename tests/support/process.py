"""A deployed process seen from outside."""

from dataclasses import dataclass

from app.wiring.parts import Container
from tests.support.aws import Aws, Queue
from tests.support.provider_server import ProviderServer


@dataclass(frozen=True)
class Process:
    """Its AWS, its queue, the providers it calls, and what it is made of."""

    aws: Aws
    queue: Queue
    providers: ProviderServer
    container: Container
