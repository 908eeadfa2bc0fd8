"""No object of a process shows a secret when it is printed, in a traceback's locals or in a debugger's log."""

import functools
import types
from collections.abc import Iterator
from typing import Any

import pytest

from app.domain.account import prefix_of
from app.providers import registry
from app.wiring.process import connect
from tests.providers.case import CASES
from tests.support.aws import Aws, Queue
from tests.support.environment import environment
from tests.support.provider_server import ProviderServer

ADDRESS_SECRET = "the-secret-of-the-suppression-list-0001"


def secrets() -> dict[str, str]:
    """A value for each secret variable of each provider, which the provider can read."""
    known = {name: value for case in CASES.values() for name, value in case.variables.items()}
    found = {}
    for provider in registry.PROVIDERS:
        for number, variable in enumerate(registry.declaration(provider).variables):
            if variable.is_secret:
                name = f"{prefix_of(provider)}{variable.name}"
                found[name] = known[name] if variable.form else f"s3cr3t-{provider}-{number}"
    return found


@pytest.fixture
def env(store: Aws, queue: Queue, server: ProviderServer) -> dict[str, str]:
    own = {"PROVIDERS": ",".join(registry.PROVIDERS), "ADDRESS_SECRET": ADDRESS_SECRET}
    ses = {"SES_ACCESS_KEY_ID": "AKIDNOTSECRET"}
    known = {name: value for case in CASES.values() for name, value in case.variables.items()}
    return {**environment(store, queue, server.url, "reprs-"), **known, **own, **ses, **secrets()}


def reachable(start: object) -> Iterator[object]:
    """Every object that can be reached from `start` through attributes, containers, closures and bound methods."""
    seen: set[int] = set()
    kept, waiting = [], [start]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, (str, bytes, int, float, type, types.ModuleType)):
            continue
        seen.add(id(one))
        kept.append(one)  # so that no other object gets its id
        yield one
        waiting += parts_of(one)


def parts_of(one: Any) -> list[object]:
    found: list[object] = []
    if isinstance(one, (dict, types.MappingProxyType)):
        found += [*one.keys(), *one.values()]
    elif isinstance(one, (list, tuple, set, frozenset)):
        found += one
    if isinstance(one, functools.partial):
        found += [one.func, *one.args, *one.keywords.values()]
    if isinstance(one, types.MethodType):
        found += [one.__self__, one.__func__]
    if isinstance(one, types.FunctionType):
        found += [cell.cell_contents for cell in one.__closure__ or () if cell != types.CellType()]
        found += one.__defaults__ or ()
    found += vars(one).values() if hasattr(one, "__dict__") else ()
    names = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
    found += [getattr(one, name) for name in names if hasattr(one, name)]
    return found


def test_nothing_that_a_process_is_built_of_shows_a_secret(env: dict[str, str]) -> None:
    container = connect(env)
    for account in container.providers.values():
        assert account.limits
    hidden = {**secrets(), "ADDRESS_SECRET": ADDRESS_SECRET}
    ours = [one for one in reachable(container) if is_ours(one)]
    container.close()
    kinds = {type(one).__name__ for one in ours}
    assert kinds >= {
        "Container",
        "Settings",
        "Accounts",
        "Suppressions",
        "SendGrid",
        "Mailgun",
        "Ses",
        "Resend",
        "Values",
    }
    for one in ours:
        shown = f"{one!r} {one!s}"
        assert not [name for name, value in hidden.items() if value in shown], type(one)


def is_ours(one: object) -> bool:
    module = type(one).__module__
    return module.startswith("app.") or isinstance(one, functools.partial)


def test_the_walk_finds_what_is_hidden_in_every_way(env: dict[str, str]) -> None:
    """A test of the test: each secret is reachable, as a plain text in some object."""
    container = connect(env)
    texts = {text for one in reachable(container) for text in parts_of(one) if isinstance(text, str)}
    container.close()
    assert set(secrets().values()) <= texts
