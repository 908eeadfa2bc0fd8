"""A deployed process, for the tests of its entry points."""

from dataclasses import dataclass

from app.wiring.parts import Container
from tests.support.aws import Aws, Queue
from tests.support.provider_server import ProviderServer


@dataclass(frozen=True)
class Process:
    """A process: its AWS, its queue, the server that it calls as providers, and its container."""

    aws: Aws
    queue: Queue
    providers: ProviderServer
    container: Container
