"""A real ZooKeeper server in your tests, without a JVM: in the test's process, started and stopped in
milliseconds.

    with ZooKeeper() as zookeeper:
        client = KazooClient(zookeeper.hosts)

By default, the server listens on a free port of 127.0.0.1 and keeps its data in a temporary directory. With
`pip install zabkit`, pytest has the fixtures `zookeeper` (a new one for each test) and `zookeeper_server`
(one for the whole run).

Faults can be injected: `expire`, `drop`, `delay_replies`, `lose_replies`.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from zabserver.net.configuration.options import Options, options_from
from zabserver.net.ports.client_port import ClientSocket
from zabserver.net.shell.server import Server
from zabserver.net.words.counts import counts

Result = TypeVar("Result")

START_TIMEOUT = 30.0
"""Longest time for a start, or for any question to the server, in seconds."""


class ZooKeeper:
    """A server that stands alone, on a thread of the test's process.

    Args:
        data: directory for its data; by default a temporary one, deleted at the end.
        port: port for clients; 0 for any free port.
        tick: unit of session timeouts, in milliseconds; timeouts are between 2 and 20 ticks.
        durable: True to sync the disk, which makes the server slower and is seldom needed in tests.
        settings: other settings, as in zoo.cfg.

    Raises:
        ValueError: a setting is invalid.
        OSError: the port or the directory cannot be used.
        Corrupt: the directory holds damaged data.
    """

    def __init__(
        self,
        data: Path | None = None,
        port: int = 0,
        tick: int = 500,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._temporary = None if data is not None else tempfile.TemporaryDirectory(prefix="zabkit-")
        folder = str(data) if data is not None else str(self._temporary and self._temporary.name)
        options = Options(
            data_dir=folder,
            client_host="127.0.0.1",
            client_port=port,
            tick=tick,
            max_connections=0,
            words=("*",),
            force_sync=durable,
            preallocated=0,
            extended_types=True,
        )
        self._options = options_from(settings or {}, "settings", options)
        self._server: Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> ZooKeeper:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Starts the server; after `stop`, on the same port and with the same data."""
        if self._thread is not None:
            return
        started: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="zookeeper", daemon=True)
        self._thread.start()
        try:
            self._options.client_port = started.result(START_TIMEOUT)
        except BaseException:
            self._thread.join(START_TIMEOUT)
            self._thread = None
            raise

    def stop(self) -> None:
        """Stops the server; its data and its sessions are kept."""
        if self._thread is None or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(START_TIMEOUT)
        self._thread = self._loop = self._server = None

    def restart(self) -> None:
        """Stops and starts the server: clients are disconnected, and their sessions continue."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stops the server and deletes its temporary directory."""
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    @property
    def port(self) -> int:
        """Port for clients."""
        return self._options.client_port or 0

    @property
    def hosts(self) -> str:
        """Connection string for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def metrics_port(self) -> int:
        """Port for metrics over HTTP.

        Raises:
            RuntimeError: there is none; the setting is `metricsProvider.httpPort`.
        """
        number = self._ask(lambda server: server.metrics.number)
        if number is None:
            raise RuntimeError("metrics are not served: metricsProvider.httpPort is not set")
        return number

    @property
    def secure_port(self) -> int:
        """Port for clients with TLS.

        Raises:
            RuntimeError: there is none; the setting is `secureClientPort`.
        """
        number = self._ask(lambda server: server.port.secure_number)
        if number is None:
            raise RuntimeError("TLS is not served: secureClientPort is not set")
        return number

    @property
    def data(self) -> Path:
        """Directory of the data."""
        return Path(self._options.data_dir)

    @property
    def sessions(self) -> tuple[int, ...]:
        """Ids of the open sessions, signed."""
        return self._ask(lambda server: tuple(server.service.sessions.open))

    @property
    def connections(self) -> int:
        """Number of connections, including those without a session."""
        return self._ask(lambda server: len(server.port.sockets))

    @property
    def watches(self) -> int:
        """Number of watches that clients have set, counted as by `mntr`."""
        return self._ask(lambda server: int(counts(server)["watch_count"]))

    @property
    def unsent(self) -> int:
        """Number of bytes sent to clients and not yet read by them."""
        return self._ask(
            lambda server: sum(
                each.transport.get_write_buffer_size() for each in server.port.sockets.values()
            )
        )

    def expire(self, session: int) -> None:
        """Expires a session at once; its client is told when it reconnects.

        Args:
            session: id of the session; for a kazoo client, `client.client_id[0]`.

        Raises:
            KeyError: no such session is open.
        """

        def expire(server: Server) -> None:
            server.set_clocks()
            server.service.expire(session)
            server.schedule_turn()

        self._ask(expire)

    def drop(self, session: int) -> None:
        """Closes the connection of a session, which stays open: its client may reconnect in time.

        Raises:
            KeyError: no such session is connected.
        """
        self._ask(lambda server: self._protocol(server, session).transport.abort())

    def delay_replies(self, session: int, seconds: float) -> None:
        """Delays everything that is sent to a session from now on.

        Args:
            session: id of the session.
            seconds: the delay; 0 for none.

        Raises:
            KeyError: no such session is connected.
        """

        def delay(server: Server) -> None:
            self._protocol(server, session).delay = seconds

        self._ask(delay)

    def lose_replies(self, session: int) -> None:
        """Performs the next request of a session but closes the connection instead of sending the reply.

        The client then does not know whether the request was performed. Replies to pings and watch events are
        sent until then.

        Raises:
            KeyError: no such session is connected.
        """

        def lose(server: Server) -> None:
            self._protocol(server, session).loses_next_reply = True

        self._ask(lose)

    def _protocol(self, server: Server, session: int) -> ClientSocket:
        return server.port.sockets[server.service.by_session[session]]

    def _ask(self, question: Callable[[Server], Result]) -> Result:
        """Runs a function on the server's thread and returns its result."""
        if self._loop is None or self._server is None:
            raise RuntimeError("the server is not started")
        server, answer = self._server, Future[Result]()

        def ask() -> None:
            try:
                answer.set_result(question(server))
            except BaseException as error:
                answer.set_exception(error)

        self._loop.call_soon_threadsafe(ask)
        return answer.result(START_TIMEOUT)

    def _run(self, started: Future[int]) -> None:
        asyncio.run(self._serve(started))

    async def _serve(self, started: Future[int]) -> None:
        try:
            server = Server(self._options)
            await server.start()
        except BaseException as error:
            started.set_exception(error)
            return
        self._server, self._loop, self._stopped = server, asyncio.get_running_loop(), asyncio.Event()
        started.set_result(server.port.number)
        await self._stopped.wait()
        await server.stop()
