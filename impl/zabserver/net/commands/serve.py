"""`zab serve`: a server on this machine, until it is told to stop.

Exit codes: 0 where it was stopped by SIGTERM or SIGINT; 1 where its disk has failed, so that whoever watches
over it may start it again; 2 where it could not start: one line says why.

ZooKeeper: ZooKeeperServerMain.
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
"""How many objects more than before make Python look for cycles, of which hardly any are left here."""


def add(commands: Any) -> None:
    """Adds the command to a parser's subcommands."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "serve",
        help="serve ZooKeeper clients",
        description="Starts a ZooKeeper server that stands alone. Without a zoo.cfg it listens on 127.0.0.1 "
        "and keeps its data in ./zabkit-data.",
    )
    parser.set_defaults(run=run)
    parser.add_argument("config", nargs="?", type=Path, metavar="ZOO.CFG", help="read as ZooKeeper reads it")
    parser.add_argument("--port", type=int, help="where clients connect; 0 for any free port (default: 2181)")
    parser.add_argument("--host", help="the address to listen on (default: 127.0.0.1, or as in ZOO.CFG)")
    parser.add_argument("--data", metavar="DIR", help="where the data is kept (default: ./zabkit-data)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="as a line of zoo.cfg, and after those in it; may be given several times",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serves until it is stopped, and returns the exit code."""
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
    """The options that a command line means.

    Raises:
        OSError: the configuration cannot be read.
        ValueError: something in it makes no sense.
    """
    if arguments.config is None:
        options = Options(client_host="127.0.0.1", words=("*",))
    else:
        options = read_options(arguments.config)
    for each in arguments.set:
        name, mark, value = each.partition("=")
        if not mark:
            raise ValueError(f"--set {each}: no NAME=VALUE")
        options = options_from({name: value}, "--set", options)
    if arguments.port is not None:
        options.client_port = arguments.port
    if arguments.host is not None:
        options.client_host = arguments.host
    if arguments.data is not None:
        options.data_dir = arguments.data
    return options


async def serve(options: Options) -> int:
    """Serves until SIGTERM or SIGINT, or until the disk fails; returns the exit code."""
    log = logging.getLogger("zabserver")
    for name in keys_without_effect(options):
        log.info(event("ignored", name=name, reason="no effect here"))
    for name in unknown_keys(options):
        log.warning(event("ignored", name=name, reason="unknown"))
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = server_of(options)
    await server.start()
    gc.freeze()  # what is there stays
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
    """Returns a member of the ensemble that the options name, or a server that stands alone."""
    if options.ensemble is None:
        from zabserver.net.shell.server import Server  # noqa: PLC0415 - only one of the two is loaded

        return Server(options)
    from zabserver.net.shell.member import Member  # noqa: PLC0415 - only one of the two is loaded

    return Member(options, options.ensemble)


def new_loop() -> Callable[[Coroutine[Any, Any, int]], int]:
    """What runs a coroutine: uvloop where it is installed, asyncio otherwise."""
    try:
        import uvloop  # noqa: PLC0415 - it may not be there
    except ImportError:
        return asyncio.run
    runner: Callable[[Coroutine[Any, Any, int]], int] = uvloop.run
    return runner
