"""A real ZooKeeper server in your tests, without a JVM: started and stopped in milliseconds, in this process.

    with ZooKeeper() as zookeeper:
        client = KazooClient(zookeeper.hosts)

It listens on a free port of 127.0.0.1 and keeps its data in a temporary directory, unless told otherwise.
With `pip install zabkit`, pytest has the fixtures `zookeeper` (one for each test) and `zookeeper_server` (one
for all of a run).

What can go wrong in production can be made to happen: `expire`, `drop`, `delay_replies`, `lose_replies`.
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
"""How long a start, or anything asked of the server, may take at most, in seconds."""


class ZooKeeper:
    """A server that stands alone, on a thread of this process.

    Args:
        data: where its data is kept; a temporary directory, deleted at the end, if not given.
        port: where clients connect; any free one if 0.
        tick: in milliseconds; sessions live between 2 and 20 of them.
        durable: whether the disk is synced; tests seldom care, and are faster without.
        settings: anything else, as in zoo.cfg.

    Raises:
        ValueError: a setting makes no sense.
        OSError: the port or the directory cannot be used.
        Corrupt: what is in the directory is damaged.
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
        """Starts it; again after a `stop` on the same port, with what it had."""
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
        """Stops it; its data and the sessions in it stay."""
        if self._thread is None or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(START_TIMEOUT)
        self._thread = self._loop = self._server = None

    def restart(self) -> None:
        """Stops it and starts it again: every client is disconnected, and its session goes on."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stops it for good, and deletes its temporary directory."""
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    @property
    def port(self) -> int:
        """Where clients connect."""
        return self._options.client_port or 0

    @property
    def hosts(self) -> str:
        """What clients are given to connect to."""
        return f"127.0.0.1:{self.port}"

    @property
    def metrics_port(self) -> int:
        """Where metrics are served over HTTP.

        Raises:
            RuntimeError: nowhere; the setting is `metricsProvider.httpPort`.
        """
        number = self._ask(lambda server: server.metrics.number)
        if number is None:
            raise RuntimeError("no metrics are served: metricsProvider.httpPort is not set")
        return number

    @property
    def secure_port(self) -> int:
        """Where clients connect with TLS.

        Raises:
            RuntimeError: nowhere; the setting is `secureClientPort`.
        """
        number = self._ask(lambda server: server.port.secure_number)
        if number is None:
            raise RuntimeError("no TLS is served: secureClientPort is not set")
        return number

    @property
    def data(self) -> Path:
        """Where its data is kept."""
        return Path(self._options.data_dir)

    @property
    def sessions(self) -> tuple[int, ...]:
        """The ids of the sessions that are open, signed."""
        return self._ask(lambda server: tuple(server.service.sessions.open))

    @property
    def connections(self) -> int:
        """How many connections there are, with those that have no session."""
        return self._ask(lambda server: len(server.port.sockets))

    @property
    def watches(self) -> int:
        """How many watches clients have left, counted as `mntr` does."""
        return self._ask(lambda server: int(counts(server)["watch_count"]))

    @property
    def unsent(self) -> int:
        """How many bytes wait until clients read what they were sent before."""
        return self._ask(
            lambda server: sum(
                each.transport.get_write_buffer_size() for each in server.port.sockets.values()
            )
        )

    def expire(self, session: int) -> None:
        """Ends a session as if its time were over; its client is told when it comes back.

        Args:
            session: its id; of a kazoo client, `client.client_id[0]`.

        Raises:
            KeyError: no such session is open.
        """

        def expire(server: Server) -> None:
            server.set_clocks()
            server.service.expire(session)
            server.schedule_turn()

        self._ask(expire)

    def drop(self, session: int) -> None:
        """Cuts the connection of a session, which goes on: the client may come back in time.

        Raises:
            KeyError: no such session is connected.
        """
        self._ask(lambda server: self._protocol(server, session).transport.abort())

    def delay_replies(self, session: int, seconds: float) -> None:
        """From now on, everything that a session is sent comes so much later; 0 for no delay.

        Raises:
            KeyError: no such session is connected.
        """

        def delay(server: Server) -> None:
            self._protocol(server, session).delay = seconds

        self._ask(delay)

    def lose_replies(self, session: int) -> None:
        """The next request of a session is done, but its reply is lost with the connection.

        So the client does not know what became of it. Pings and events until then come through.

        Raises:
            KeyError: no such session is connected.
        """

        def lose(server: Server) -> None:
            self._protocol(server, session).loses_next_reply = True

        self._ask(lose)

    def _protocol(self, server: Server, session: int) -> ClientSocket:
        return server.port.sockets[server.service.by_session[session]]

    def _ask(self, question: Callable[[Server], Result]) -> Result:
        """The answer to a question, on the server's thread."""
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
