"""`python -m app.local.simulator`: serves until SIGTERM or SIGINT. With --exit-with-parent, it ends with its stdin."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from aiohttp import web

from app.domain.account import label_of, provider_of
from app.errors import ConfigurationError
from app.local import exit_with_parent
from app.local.mode import API_KEY
from app.local.playground.api import Api
from app.local.playground.guard import refuse_foreign
from app.local.playground.pages import render_errors
from app.local.playground.routes import Playground
from app.local.simulator.accounts import open_account
from app.local.simulator.control import Control
from app.local.simulator.inbox import LIMIT, Inbox
from app.local.simulator.listener import Listener
from app.local.simulator.outbox import Outbox
from app.local.simulator.replay import WEBHOOK_BYTES
from app.local.simulator.webhooks import Webhooks
from app.providers import registry


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m app.local.simulator", description=__doc__)
    parser.add_argument(
        "--accounts",
        type=_accounts,
        default=tuple(registry.PROVIDERS),
        metavar="A,B",
        help="the accounts to simulate; one of every provider if left out",
    )
    parser.add_argument("--control-port", type=int, default=0, metavar="N", help="control API; 0: any free port")
    parser.add_argument(
        "--webhooks-url",
        default="http://127.0.0.1:8000/v1/webhooks",
        metavar="URL",
        help="where webhooks go: /{account} is appended",
    )
    parser.add_argument("--api-url", default="http://127.0.0.1:8000", metavar="URL", help="the app's API, for the page")
    parser.add_argument(
        "--real", type=_names, default=(), metavar="A,B", help="the accounts that the app finds elsewhere"
    )
    parser.add_argument("--keys", type=Path, required=True, metavar="DIR", help="signing keys; created if missing")
    parser.add_argument("--inbox", type=Path, metavar="DIR", help="what the providers took; by default beside the keys")
    parser.add_argument("--inbox-limit", type=int, default=LIMIT, metavar="N", help="how many of the newest are kept")
    parser.add_argument("--outbox", type=Path, metavar="PATH", help="webhooks that wait; by default in memory only")
    parser.add_argument("--ready-file", type=Path, metavar="PATH", help="written, as JSON, once everything listens")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when standard input closes")
    return parser.parse_args(arguments)


def _accounts(text: str) -> tuple[str, ...]:
    accounts = tuple(text.split(","))
    try:
        registry.check(accounts)
    except ConfigurationError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None
    return accounts


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def _titles(accounts: Sequence[str]) -> dict[str, str]:
    """What the page calls each account: the provider's own name, and the label."""
    titles = {account: registry.declaration(provider_of(account)).title for account in accounts}
    return {account: f"{title} {label_of(account)}".strip() for account, title in titles.items()}


async def serve(options: argparse.Namespace) -> None:
    """Run all accounts and the control API until SIGTERM or SIGINT. Raises OSError if the control port is in use."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        webhooks = Webhooks(options.webhooks_url, session, Outbox(options.outbox))
        stack.push_async_callback(webhooks.close)
        inbox = Inbox(options.inbox or options.keys / "inbox", options.inbox_limit)
        listeners = {
            account: Listener(open_account(account, options.keys), inbox, webhooks) for account in options.accounts
        }
        for listener in listeners.values():
            stack.push_async_callback(listener.stop)
            await listener.start()
        webhooks.go_on({account: listener.account for account, listener in listeners.items()})
        site = web.Application(middlewares=[refuse_foreign, render_errors], client_max_size=WEBHOOK_BYTES)
        api = Api(options.api_url, API_KEY, session)
        site.add_routes(Playground(listeners, inbox, api, _titles(options.accounts), frozenset(options.real)).routes())
        site.add_subapp("/control", Control(listeners, inbox, webhooks).application())
        control = web.AppRunner(
            site,
            handle_signals=False,
            access_log=None,
            shutdown_timeout=1,
        )
        stack.push_async_callback(control.cleanup)
        await control.setup()
        server = web.TCPSite(control, "127.0.0.1", options.control_port)
        await server.start()
        _announce(server.port, listeners, options.ready_file)
        await stop.wait()


def _announce(control_port: int, listeners: dict[str, Listener], ready_file: Path | None) -> None:
    urls = {name: listener.base_url for name, listener in listeners.items()}
    line = json.dumps({"control_url": f"http://127.0.0.1:{control_port}", "providers": urls})
    if ready_file is not None:
        draft = ready_file.with_name(f"{ready_file.name}.{os.getpid()}")
        draft.write_text(f"{line}\n")
        draft.replace(ready_file)
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve. Exits with status 1 and a message if the simulator cannot start."""
    options = read_options()
    if options.exit_with_parent:
        exit_with_parent.watch()
    try:
        asyncio.run(serve(options))
    except OSError as error:
        sys.exit(f"The provider simulator cannot start: {error}")


if __name__ == "__main__":
    main()
