"""`zab serve`: runs a server until it is stopped.

Exit codes: 0 if stopped by SIGTERM or SIGINT; 1 if the disk has failed, so that a supervisor may restart the
server; 2 if the server could not start, with the reason in one line.

ZooKeeper: ZooKeeperServerMain, QuorumPeerMain.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from zabserver.net.configuration.options import (
    Options,
    keys_without_effect,
    options_from,
    read_options,
    unknown_keys,
)
from zabserver.net.lines import Lines, event
from zabserver.net.shell.shell import Shell
from zabserver.storage.logs import Corrupt

GARBAGE = 20_000
"""Number of new objects that triggers a garbage collection; the server creates hardly any reference
cycles.
"""


def add(commands: Any) -> None:
    """Adds `zab serve` to a parser's subcommands."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "serve",
        help="run a ZooKeeper server",
        description="Runs a ZooKeeper server: a member of an ensemble if ZOO.CFG lists one, otherwise a "
        "server that stands alone. Without ZOO.CFG, it listens on 127.0.0.1 and keeps its data in "
        "./zabkit-data.",
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "config", nargs="?", type=Path, metavar="ZOO.CFG", help="settings, in ZooKeeper's format"
    )
    parser.add_argument("--port", type=int, help="port for clients; 0 for any free port (default: 2181)")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1, or as in ZOO.CFG)")
    parser.add_argument(
        "--data", metavar="DIR", help="directory for the data (default: ./zabkit-data, or as in ZOO.CFG)"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a line to add to ZOO.CFG; may be repeated",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs a server until it is stopped, and returns the exit code."""
    log = logging.StreamHandler(sys.stderr)
    log.setFormatter(Lines())
    logging.basicConfig(level=logging.INFO, handlers=[log])
    try:
        options = options_of(arguments)
        return new_loop()(serve(options))
    except (OSError, ValueError, Corrupt) as error:
        print(f"zab serve: {error}", file=sys.stderr)
        return 2


def options_of(arguments: argparse.Namespace) -> Options:
    """Returns the options that a command line asks for.

    Raises:
        OSError: the configuration cannot be read.
        ValueError: a setting is invalid.
    """
    if arguments.config is None:
        options = Options(client_host="127.0.0.1", words=("*",))
    else:
        options = read_options(arguments.config)
    for each in arguments.set:
        name, mark, value = each.partition("=")
        if not mark:
            raise ValueError(f"--set {each}: must be NAME=VALUE")
        options = options_from({name: value}, "--set", options)
    if arguments.port is not None:
        options.client_port = arguments.port
    if arguments.host is not None:
        options.client_host = arguments.host
    if arguments.data is not None:
        options.data_dir = arguments.data
    return options


async def serve(options: Options) -> int:
    """Runs a server until SIGTERM or SIGINT arrives or the disk fails; returns the exit code."""
    log = logging.getLogger("zabserver")
    for name in keys_without_effect(options):
        log.info(event("ignored", name=name, reason="no effect in this server"))
    for name in unknown_keys(options):
        log.warning(event("ignored", name=name, reason="unknown key"))
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = server_of(options)
    await server.start()
    gc.freeze()  # the objects so far are never collected
    gc.set_threshold(GARBAGE)
    log.info(event("serving", host=options.client_host or "*", port=server.port.number))
    ends = [loop.create_task(each.wait()) for each in (stopped, server.failed)]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()
    await server.stop()
    log.info(event("stopped"))
    return int(server.failed.is_set())


def server_of(options: Options) -> Shell:
    """Returns a member of the ensemble in the options, or a server that stands alone if there is none."""
    if options.ensemble is None:
        from zabserver.net.shell.server import Server  # noqa: PLC0415 - only one of the two is loaded

        return Server(options)
    from zabserver.net.shell.member import Member  # noqa: PLC0415 - only one of the two is loaded

    return Member(options, options.ensemble)


def new_loop() -> Callable[[Coroutine[Any, Any, int]], int]:
    """Returns a function that runs a coroutine: uvloop's if it is installed, asyncio's otherwise."""
    try:
        import uvloop  # noqa: PLC0415 - it may not be there
    except ImportError:
        return asyncio.run
    runner: Callable[[Coroutine[Any, Any, int]], int] = uvloop.run
    return runner
