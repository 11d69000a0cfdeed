"""An ensemble in a test's own process: members that elect a leader, and what may happen to them.

They run on one thread with an event loop of its own, talk over real sockets of 127.0.0.1, and keep their data
in a temporary directory, unless told otherwise.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from zabserver.net.configuration.options import Options, options_from
from zabserver.net.shell.member import Member
from zabserver.service.primary import Primary
from zabserver.testing.alone import START_TIMEOUT
from zabserver.testing.network import Network, acting, free_ports
from zabserver.wire.election import ServerState
from zabserver.zab import ensemble as members

Result = TypeVar("Result")

PATIENCE = 20
"""How long members wait for votes, in milliseconds; on one machine they come in one."""


class Pausable(Member):
    """A member whose process can stand still.

    Attributes:
        held: what it is told meanwhile; None while it runs.
    """

    held: list[tuple[Callable[..., object], tuple[object, ...]]] | None = None

    def call_core(self, what: Callable[..., object], *arguments: object) -> None:
        """The core is told something, later if it stands still; then nobody tells it that time passes."""
        if self.held is None:
            super().call_core(what, *arguments)
        elif what != self.peer.on_tick:
            self.held.append((what, arguments))

    def _turn(self) -> None:
        if self.held is None:
            super()._turn()

    def go_on(self) -> None:
        """It runs again."""
        held, self.held = self.held or [], None
        for what, arguments in held:
            self.call_core(what, *arguments)
        self.schedule_turn()


class Ensemble:
    """Several servers, started and stopped together or one by one.

    Args:
        size: how many vote.
        observers: how many more do not.
        tick: in milliseconds; a member that is silent for 4 of them is given up, and sessions live 2 to 20.
        durable: whether disks are synced.
        settings: anything else, as in zoo.cfg, for all.
        data: where each member has a directory; a temporary one, deleted at the end, if not given.

    Attributes:
        servers: the ids of all members.

    Raises:
        ValueError: a setting makes no sense.
        OSError: a port or the directory cannot be used.
    """

    def __init__(
        self,
        size: int = 3,
        observers: int = 0,
        tick: int = 500,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
        data: Path | None = None,
    ) -> None:
        self.servers = tuple(range(1, size + observers + 1))
        self._temporary = None if data is not None else tempfile.TemporaryDirectory(prefix="zabkit-")
        self._folder = data if data is not None else Path(str(self._temporary and self._temporary.name))
        ports = free_ports(3 * len(self.servers))
        self._ports = {sid: ports.pop() for sid in self.servers}
        self._members = members.Ensemble(
            {
                sid: members.Member(sid, "127.0.0.1", ports.pop(), ports.pop(), is_observer=sid > size)
                for sid in self.servers
            }
        )
        base = Options(
            client_host="127.0.0.1",
            tick=tick,
            init_limit=20,
            sync_limit=4,
            max_connections=0,
            words=("*",),
            force_sync=durable,
            preallocated=0,
            extended_types=True,
            first_patience=PATIENCE,
        )
        self._options = options_from(settings or {}, "settings", base)
        self._running: dict[int, Pausable] = {}
        self._network: Network | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Ensemble:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # All of them.

    def start(self) -> None:
        """Starts all members; all serve when it returns."""
        self._network = Network()
        for member in self._members.members.values():
            for port in (member.quorum_port, member.election_port):
                self._network.own(port, member.sid)
        self._thread = threading.Thread(target=self._network.run_forever, name="ensemble", daemon=True)
        self._thread.start()
        for sid in self.servers:
            self.restart(sid)
        self.wait()

    def close(self) -> None:
        """Stops all members for good, and deletes their data if that is temporary."""
        if self._network is None or self._thread is None:
            return
        self.heal()
        for sid in list(self._running):
            self.kill(sid)
        self._network.call_soon_threadsafe(self._network.stop)
        self._thread.join(START_TIMEOUT)
        self._network.close()
        self._network = self._thread = None
        if self._temporary is not None:
            self._temporary.cleanup()

    @property
    def hosts(self) -> str:
        """What clients are given to connect to: all members."""
        return ",".join(f"127.0.0.1:{port}" for port in self._ports.values())

    @property
    def leader(self) -> int | None:
        """Who leads and serves clients; of several that believe so, the one with the highest epoch."""

        def leading() -> int | None:
            found = [
                (member.peer.current_epoch, sid)
                for sid, member in self._running.items()
                if member.peer.state == ServerState.LEADING and member.is_serving
            ]
            return max(found)[1] if found else None

        return self._ask(leading)

    def wait(self, servers: Iterable[int] | None = None) -> None:
        """Returns when members serve clients: all that run, unless told which.

        Raises:
            TimeoutError: they do not within half a minute.
        """
        wanted = None if servers is None else tuple(servers)
        self.wait_until(lambda: all(map(self.is_serving, wanted or tuple(self._running))))

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Returns when something holds.

        Raises:
            TimeoutError: it does not within half a minute.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while not holds():
            if time.monotonic() > deadline:
                modes = {sid: self.mode(sid) for sid in self._running}
                raise TimeoutError(f"not within {START_TIMEOUT} s: {modes}")
            time.sleep(0.005)

    # One of them.

    def port(self, server: int) -> int:
        """Where a member's clients connect."""
        return self._ports[server]

    def is_serving(self, server: int) -> bool:
        """Whether a member serves clients."""
        return self._ask(lambda: server in self._running and self._running[server].is_serving)

    def mode(self, server: int) -> str:
        """What a member says it is: leader, follower, observer, looking."""
        return self._ask(lambda: self._running[server].mode)

    def kill(self, server: int) -> None:
        """A member's process ends at once, as after SIGKILL, standing still or not.

        Its disk stays as it is: what the member was about to write is lost, what it has written is not.
        """
        member = self._running.pop(server)

        async def crash() -> None:
            member.halt()
            self._net.paused.discard(server)
            self._net.let_through()
            await member.crash()

        self._wait_for(crash())

    def restart(self, server: int) -> None:
        """A member's process starts again, with what is on its disk; it may take a while until it serves."""
        if server in self._running:
            self.kill(server)
        folder = self._folder / str(server)
        folder.mkdir(parents=True, exist_ok=True)

        async def begin() -> None:
            acting.set(server)
            options = options_from({}, "settings", self._options)
            options.data_dir, options.server_id = str(folder), server
            options.client_port = self._ports[server]
            member = Pausable(options, self._members)
            await member.start()
            self._running[server] = member

        self._wait_for(begin())

    def pause(self, server: int) -> None:
        """A member's process stands still, as after SIGSTOP; its connections stay."""

        def pause() -> None:
            self._running[server].held = []
            self._net.paused.add(server)

        self._ask(pause)

    def resume(self, server: int) -> None:
        """It goes on."""

        def resume() -> None:
            self._net.paused.discard(server)
            self._running[server].go_on()
            self._net.let_through()

        self._ask(resume)

    # The network between them.

    def partition(self, *groups: Collection[int]) -> None:
        """Members in different groups do not hear each other; who is in none hears nobody."""
        groups += tuple((sid,) for sid in self.servers if not any(sid in group for group in groups))
        for group in groups:
            for sender in group:
                for receiver in self.servers:
                    if receiver not in group:
                        self.cut(sender, receiver)

    def cut(self, sender: int, receiver: int) -> None:
        """What one member sends does not arrive at another any more; what that sends, does."""
        self._ask(lambda: self._net.cuts.add((sender, receiver)))

    def heal(self) -> None:
        """All members hear each other again, and those that stood still go on."""

        def heal() -> None:
            self._net.cuts.clear()
            for server in list(self._net.paused):
                self._net.paused.discard(server)
                if server in self._running:
                    self._running[server].go_on()
            self._net.let_through()

        self._ask(heal)

    # Sessions.

    def expire(self, session: int) -> None:
        """Ends a session as if its time were over.

        Raises:
            KeyError: no such session is open, or nobody leads.
        """

        def expire() -> None:
            for member in self._running.values():
                service = member.peer.service
                if isinstance(service, Primary):
                    member.set_clocks()
                    service.expire(session)
                    member.schedule_turn()
                    return
            raise KeyError(session)

        self._ask(expire)

    def drop(self, session: int) -> None:
        """Cuts the connection of a session, which goes on: the client may come back in time.

        Raises:
            KeyError: no such session is connected.
        """

        def drop() -> None:
            for member in self._running.values():
                connection = member.service.by_session.get(session)
                if connection is not None:
                    member.port.sockets[connection].transport.abort()
                    return
            raise KeyError(session)

        self._ask(drop)

    # On the other thread.

    @property
    def _net(self) -> Network:
        if self._network is None:
            raise RuntimeError("the ensemble is not started")
        return self._network

    def _ask(self, question: Callable[[], Result]) -> Result:
        """The answer to a question, on the members' thread."""
        answer = Future[Result]()

        def ask() -> None:
            try:
                answer.set_result(question())
            except BaseException as error:
                answer.set_exception(error)

        self._net.call_soon_threadsafe(ask)
        return answer.result(START_TIMEOUT)

    def _wait_for(self, doing: Coroutine[Any, Any, None]) -> None:
        """Returns when something is done on the members' thread."""
        asyncio.run_coroutine_threadsafe(doing, self._net).result(START_TIMEOUT)
