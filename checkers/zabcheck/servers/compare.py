"""Compares a running server with the oracle, one operation after the other, in everything that clients see.

Compared are the error, the zxid, the path, the data, the Stat, the children and the access control list of
each reply, and the events of each connection in their order. The server's times cannot be predicted: the
oracle uses the zxid of a transaction as its time, and the same transaction must always show the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from zabcheck.servers.encoding import Auth, Request
from zabcheck.servers.oracle import Oracle, Release, Told, with_subtree
from zabcheck.servers.session import Answer, Session
from zabspec import tree
from zabspec.parts import replace
from zabspec.tree import Id, Stat
from zabspec.tree.replies import Created
from zabspec.watches import Event

ADDRESS = Id("ip", "127.0.0.1")
TIMEOUT = 30_000
"""Session timeout in milliseconds, so long that no session expires during a comparison."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A client sends a request.

    Attributes:
        client: the number of the client.
        request: the request; its paths are relative to the place of the comparison (`below`).
    """

    client: int
    request: Request


@dataclass(frozen=True, slots=True)
class Reconnect:
    """A client loses its connection, resumes its session, and registers its watches again.

    Attributes:
        client: the number of the client.
    """

    client: int


Operation = Ask | Reconnect


@dataclass(frozen=True, slots=True)
class Difference:
    """The first difference between the server and the spec.

    Attributes:
        operation: the number of the operation after which they differ, from 0.
        what: what differs, in words.
        expected: what the spec says.
        found: what the server has sent.
    """

    operation: int
    what: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"operation {self.operation}: {self.what}:\n  spec:   {self.expected}\n  server: {self.found}"


class Comparison:
    """Runs operations on a server and on the oracle.

    Args:
        host: the address of the server, which has no other clients.
        port: its port for clients.
        release: the release whose behaviour is expected.
        place: a path that does not exist; all operations are below it.
        clients: how many clients there are.
        connect: begins a session, with the arguments of `Session`.

    Attributes:
        place: as above.
        oracle: what is expected.
        events: how many events all clients have received.
        sessions: the session of each client.
        parties: each client, as the oracle sees it.

    Raises:
        Disconnected: there is no server.
    """

    def __init__(
        self,
        host: str,
        port: int,
        release: Release,
        place: str,
        clients: int,
        *,
        connect: Callable[..., Session] = Session,
    ) -> None:
        self._where = (host, port)
        self._connect = connect
        self.place = place
        self._made_by = connect(host, port, TIMEOUT)
        made = self._made_by.call(tree.Create(place))
        assert made.reply == Created(place, None), made
        self.oracle = Oracle(release, made.zxid, with_subtree(tree.initial(), place, made.zxid))
        self._times: dict[int, int] = {}
        self.events = 0
        self.sessions = [connect(host, port, TIMEOUT) for _ in range(clients)]
        self.parties = [self.oracle.join(each.id, ADDRESS) for each in self.sessions]

    def run(self, operations: Iterable[Operation]) -> Difference | None:
        """Runs operations one after the other, until something differs.

        Returns:
            The first difference; None if there is none.
        """
        for number, operation in enumerate(operations):
            match operation:
                case Ask(client, request):
                    found = self._ask(number, client, below(self.place, request))
                case Reconnect(client):
                    found = self._reconnect(number, client)
            if found is not None:
                return found
        return None

    def close(self) -> None:
        """Closes all sessions. The nodes stay: access control may forbid everyone to delete some."""
        for session in (*self.sessions, self._made_by):
            if session.is_open:
                session.call(tree.CloseSession())

    def _ask(self, number: int, client: int, request: Request) -> Difference | None:
        if self.parties[client] not in self.oracle.parties:  # its session is closed
            self.sessions[client] = self._connect(*self._where, TIMEOUT)
            self.parties[client] = self.oracle.join(self.sessions[client].id, ADDRESS)
        party = self.parties[client]
        expected = self.oracle.expected(party, request)
        answer = self.sessions[client].call(request)
        events = self._events()
        told = next((each for each in expected if self._fits(each, answer, events)), None)
        if told is None:
            first = expected[0]
            if not self._matches(first.reply, answer.reply):
                return Difference(number, f"reply to {request}", first.reply, answer.reply)
            return Difference(number, f"events of {request}", first.events, events)
        self.oracle.accept(party, request, told, answer.zxid)
        zxid = 0 if isinstance(request, Auth) else self.oracle.zxid
        if answer.zxid != zxid:
            return Difference(number, f"zxid in the header of the reply to {request}", zxid, answer.zxid)
        return None

    def _fits(self, told: Told, answer: Answer, events: tuple[tuple[Event, ...], ...]) -> bool:
        return told.events == events and self._matches(told.reply, answer.reply)

    def _events(self) -> tuple[tuple[Event, ...], ...]:
        """Returns the events that each connection has received since the last call."""
        found = []
        for party in self.oracle.parties:
            session = self.sessions[self.parties.index(party)]
            if session.is_open:
                session.ping()
            found.append(tuple(session.events))
            self.events += len(session.events)
            session.events.clear()
        return tuple(found)

    def _reconnect(self, number: int, client: int) -> Difference | None:
        party, old = self.parties[client], self.sessions[client]
        if party not in self.oracle.parties:
            return None
        old.drop()
        host, port = self._where
        new = self._connect(host, port, TIMEOUT, party.seen, (old.id, old.password))
        if (new.id, new.password) != (old.id, old.password):
            return Difference(number, "session after a reconnect", old.id, new.id)
        self.sessions[client] = new
        request = self.oracle.reconnected(party)
        return None if request is None else self._ask(number, client, request)

    def _matches(self, expected: Any, found: Any) -> bool:
        """Returns whether a reply is as expected; of times, only which of them are equal counts."""
        if isinstance(expected, Stat) and isinstance(found, Stat):
            same = replace(expected, ctime=0, mtime=0) == replace(found, ctime=0, mtime=0)
            times = ((expected.ctime, found.ctime), (expected.mtime, found.mtime))
            return same and all(self._times.setdefault(mine, its) == its for mine, its in times)
        if type(expected) is not type(found):
            return False
        if isinstance(expected, tuple):
            pairs = zip(expected, found, strict=False)
            return len(expected) == len(found) and all(self._matches(*pair) for pair in pairs)
        if is_dataclass(expected):
            return all(
                self._matches(getattr(expected, each.name), getattr(found, each.name))
                for each in fields(expected)
            )
        return bool(expected == found)


def below(place: str, request: Any) -> Any:
    """Returns a request with all absolute paths in it moved below a place."""
    if isinstance(request, tuple):
        return tuple(below(place, each) for each in request)
    if not is_dataclass(request) or isinstance(request, type):
        return request
    changes = {}
    for each in fields(request):
        value = getattr(request, each.name)
        if each.name in ("path", "prefix") and value.startswith("/"):
            changes[each.name] = place if value == "/" else place + value
        elif each.name == "parts":
            changes[each.name] = below(place, value)
    return replace(request, **changes)
