"""A server that only takes part in elections, on real sockets: a core, a port, and the event loop's clock."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

from zabserver.net.ports.election_port import ElectionPort
from zabserver.wire.election import Notification
from zabserver.zab.election import Election
from zabserver.zab.ensemble import Ensemble, Member

PATIENCE = 30.0
"""Longest time for a test to wait for a condition, in seconds."""


class ElectionPeer:
    """One server.

    Args:
        me: its id.
        ensemble: the configuration.
        zxid: last zxid that it has logged.
        epoch: its current epoch.
        tls: TLS contexts for accepted and for outgoing connections.
    """

    def __init__(
        self,
        me: int,
        ensemble: Ensemble,
        zxid: int = 0,
        epoch: int = 0,
        tls: tuple[ssl.SSLContext | None, ssl.SSLContext | None] = (None, None),
    ) -> None:
        self.port = ElectionPort(me, ensemble, self._on_notification, *tls)
        self.election = Election(me, ensemble, have_delivered=self.port.has_delivered)
        self.heard: list[tuple[int, Notification]] = []
        self._disk = (zxid, epoch)
        self._timer: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Starts listening and looks for a leader."""
        await self.port.open()
        self.look()

    def look(self) -> None:
        """Starts a new election."""
        self.election.start(*self._disk, self._now())
        self._turn()

    async def close(self) -> None:
        """Closes all connections."""
        if self._timer is not None:
            self._timer.cancel()
        self.port.close()
        await self.port.closed()

    @property
    def leader(self) -> int | None:
        """Id of the leader that it has decided for; None before."""
        return self.election.decided.leader if self.election.decided else None

    def _on_notification(self, sender: int, notification: Notification) -> None:
        self.heard.append((sender, notification))
        self.election.on_notification(sender, notification, self._now())
        self._turn()

    def _on_time(self) -> None:
        self.election.on_tick(self._now())
        self._turn()

    def _turn(self) -> None:
        for sid, notification in self.election.take_sends():
            self.port.send(sid, notification)
        if self._timer is not None:
            self._timer.cancel()
        due = self.election.next_due
        if due is not None:
            wait = max(0, due - self._now()) / 1000
            self._timer = asyncio.get_running_loop().call_later(wait, self._on_time)

    def _now(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)


async def until(holds: Callable[[], bool], what: str) -> None:
    """Waits until a condition holds, and fails if that takes too long."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"not within {PATIENCE} s: {what}") from None


def local_ensemble(voters: int, observers: int = 0) -> Ensemble:
    """Returns members on unused ports of 127.0.0.1."""
    ports = free_ports(2 * (voters + observers))
    return Ensemble(
        {
            sid: Member(sid, "127.0.0.1", ports.pop(), ports.pop(), sid > voters)
            for sid in range(1, voters + observers + 1)
        }
    )


def free_ports(count: int) -> list[int]:
    """Returns different ports of 127.0.0.1 that are unused now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
