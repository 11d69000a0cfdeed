"""An ensemble in a test's own process: members that elect a leader, and faults that a test can inject.

The members share one thread with its own event loop, and talk over real sockets of 127.0.0.1. By default,
their data is in a temporary directory.
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
from zabserver.net.ports.free_ports import free_ports
from zabserver.net.shell.member import Member
from zabserver.service.primary import Primary
from zabserver.testing.alone import START_TIMEOUT
from zabserver.testing.network import Network, current_member
from zabserver.wire.election import ServerState
from zabserver.zab import ensemble as members

Result = TypeVar("Result")

PATIENCE = 20
"""How long a member waits for votes before it sends its own again, in milliseconds; locally votes arrive
within 1.
"""


class Pausable(Member):
    """A member whose process can be paused.

    Attributes:
        held: calls of the core that wait until the process is resumed; None while it runs.
    """

    held: list[tuple[Callable[..., object], tuple[object, ...]]] | None = None

    def call_core(self, what: Callable[..., object], *arguments: object) -> None:
        """Calls a method of the core; while the process is paused, keeps the call for later, except for clock
        ticks.
        """
        if self.held is None:
            super().call_core(what, *arguments)
        elif what != self.peer.on_tick:
            self.held.append((what, arguments))

    def _turn(self) -> None:
        if self.held is None:
            super()._turn()

    def resume(self) -> None:
        """Resumes the process."""
        held, self.held = self.held or [], None
        for what, arguments in held:
            self.call_core(what, *arguments)
        self.schedule_turn()


class Ensemble:
    """Several servers, started and stopped together or one by one.

    Args:
        size: number of voters.
        observers: number of observers.
        tick: in milliseconds; a member is abandoned after 4 ticks of silence, and session timeouts are
            between 2 and 20 ticks.
        durable: True to sync disks.
        settings: other settings for all members, as in zoo.cfg.
        data: directory with one directory for each member; by default a temporary one, deleted at the end.

    Attributes:
        servers: ids of all members.

    Raises:
        ValueError: a setting is invalid.
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

    # All members.

    def start(self) -> None:
        """Starts all members and waits until they serve clients."""
        self._network = Network()
        for member in self._members.members.values():
            for port in (member.quorum_port, member.election_port):
                self._network.register_port(port, member.sid)
        self._thread = threading.Thread(target=self._network.run_forever, name="ensemble", daemon=True)
        self._thread.start()
        for sid in self.servers:
            self.restart(sid)
        self.wait()

    def close(self) -> None:
        """Stops all members, and deletes their data if the directory is temporary."""
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
        """Connection string with all members, for clients."""
        return ",".join(f"127.0.0.1:{port}" for port in self._ports.values())

    @property
    def leader(self) -> int | None:
        """Id of the leader that serves clients; if several believe that they lead, that with the highest
        epoch.
        """

        def leading() -> int | None:
            found = [
                (member.peer.current_epoch, sid)
                for sid, member in self._running.items()
                if member.peer.state == ServerState.LEADING and member.is_serving
            ]
            return max(found)[1] if found else None

        return self._ask(leading)

    def wait(self, servers: Iterable[int] | None = None) -> None:
        """Waits until members serve clients.

        Args:
            servers: ids of the members; all that are running by default.

        Raises:
            TimeoutError: a member does not serve clients within 30 seconds.
        """
        wanted = None if servers is None else tuple(servers)
        self.wait_until(lambda: all(map(self.is_serving, wanted or tuple(self._running))))

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Waits until a condition holds.

        Raises:
            TimeoutError: the condition does not hold within 30 seconds.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while not holds():
            if time.monotonic() > deadline:
                modes = {sid: self.mode(sid) for sid in self._running}
                raise TimeoutError(
                    f"the condition did not hold within {START_TIMEOUT} s; members are {modes}"
                )
            time.sleep(0.005)

    # One member.

    def port(self, server: int) -> int:
        """Returns the port for clients of a member."""
        return self._ports[server]

    def is_serving(self, server: int) -> bool:
        """True if a member serves clients."""
        return self._ask(lambda: server in self._running and self._running[server].is_serving)

    def mode(self, server: int) -> str:
        """Returns the role of a member: leader, follower, observer or looking."""
        return self._ask(lambda: self._running[server].mode)

    def kill(self, server: int) -> None:
        """Ends a member's process at once, as SIGKILL does, paused or not.

        What the member has written to disk is kept; what it was about to write is lost.
        """
        member = self._running.pop(server)

        async def crash() -> None:
            member.halt()
            self._net.paused.discard(server)
            self._net.deliver_held()
            await member.crash()

        self._wait_for(crash())

    def restart(self, server: int) -> None:
        """Starts a member's process again with what is on its disk; does not wait until it serves clients."""
        if server in self._running:
            self.kill(server)
        folder = self._folder / str(server)
        folder.mkdir(parents=True, exist_ok=True)

        async def begin() -> None:
            current_member.set(server)
            options = options_from({}, "settings", self._options)
            options.data_dir, options.server_id = str(folder), server
            options.client_port = self._ports[server]
            member = Pausable(options, self._members)
            await member.start()
            self._running[server] = member

        self._wait_for(begin())

    def pause(self, server: int) -> None:
        """Pauses a member's process, as SIGSTOP does; its connections stay open."""

        def pause() -> None:
            self._running[server].held = []
            self._net.paused.add(server)

        self._ask(pause)

    def resume(self, server: int) -> None:
        """Resumes a paused process."""

        def resume() -> None:
            self._net.paused.discard(server)
            self._running[server].resume()
            self._net.deliver_held()

        self._ask(resume)

    # The network between them.

    def partition(self, *groups: Collection[int]) -> None:
        """Partitions the network: members in different groups do not receive anything from each other.

        Args:
            groups: ids of the members in each group; a member in none is isolated.
        """
        groups += tuple((sid,) for sid in self.servers if not any(sid in group for group in groups))
        for group in groups:
            for sender in group:
                for receiver in self.servers:
                    if receiver not in group:
                        self.cut(sender, receiver)

    def cut(self, sender: int, receiver: int) -> None:
        """Cuts the network in one direction: the receiver gets nothing more from the sender."""
        self._ask(lambda: self._net.cuts.add((sender, receiver)))

    def heal(self) -> None:
        """Removes all cuts and partitions, and resumes paused processes."""

        def heal() -> None:
            self._net.cuts.clear()
            for server in list(self._net.paused):
                self._net.paused.discard(server)
                if server in self._running:
                    self._running[server].resume()
            self._net.deliver_held()

        self._ask(heal)

    # Sessions.

    def expire(self, session: int) -> None:
        """Expires a session at once.

        Raises:
            KeyError: no such session is open, or there is no leader.
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
        """Closes the connection of a session, which stays open: its client may reconnect in time.

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

    # On the members' thread.

    @property
    def _net(self) -> Network:
        if self._network is None:
            raise RuntimeError("the ensemble is not started")
        return self._network

    def _ask(self, question: Callable[[], Result]) -> Result:
        """Runs a function on the members' thread and returns its result."""
        answer = Future[Result]()

        def ask() -> None:
            try:
                answer.set_result(question())
            except BaseException as error:
                answer.set_exception(error)

        self._net.call_soon_threadsafe(ask)
        return answer.result(START_TIMEOUT)

    def _wait_for(self, doing: Coroutine[Any, Any, None]) -> None:
        """Runs a coroutine on the members' thread and waits for it."""
        asyncio.run_coroutine_threadsafe(doing, self._net).result(START_TIMEOUT)
