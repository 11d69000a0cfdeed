"""Clients that write and watch while servers fail, and record the replies.

A writer creates nodes with new names, and sets one node again and again. In the end every server must have
each acknowledged node, with the zxid of the reply. A node that was not acknowledged must come from a request
that got no reply. The version of the node that was set shows that no request was applied twice.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from zabcheck.servers.encoding import ProtocolError, Sync
from zabcheck.servers.session import Answer, Disconnected, Session
from zabspec import tree, watches
from zabspec.tree import Error
from zabspec.tree.replies import Children, Data, Failed, Parts

ROOT = "/load"
SESSION_TIMEOUT = 4000
"""Session timeout of workers, and their timeout for each reply, in milliseconds."""
PATIENT = 60_000
"""Timeout for each reply where no faults are injected, in milliseconds."""
STOPPED_WITHIN = 180
"""How long a worker may take to stop, in seconds."""
OVER = (Error.SESSION_EXPIRED, Error.SESSION_MOVED)
"""Errors for a client whose session has expired or moved."""
BATCH = 200
"""How many nodes are read with one request."""


@dataclass(slots=True)
class Told:
    """What one writer knows from its replies.

    Attributes:
        acknowledged: the zxid of each node that was created, by path.
        unknown: the paths of nodes that may have been created: the requests got no reply.
        sets: how many acknowledged requests have set the common node.
        unknown_sets: how many requests to set it got no reply.
        wrong: unexpected replies, in words.
    """

    acknowledged: dict[str, int] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    sets: int = 0
    unknown_sets: int = 0
    wrong: list[str] = field(default_factory=list)


class Worker(threading.Thread):
    """A client on a thread of its own, which reconnects to any server when it loses a connection.

    Args:
        name: its name, which is also part of its nodes' names.
        ports: the client ports of the servers.
        seed: the seed of its choices.
        timeout: its session timeout, and the timeout for each reply, in milliseconds.

    Attributes:
        timeout, ports: as above.
        random: the source of its choices.
        is_over: set when it is to stop.
        failure: the exception that has ended it; None if there was none.
        last_zxid: the highest zxid in any reply.
    """

    def __init__(self, name: str, ports: Sequence[int], seed: int, timeout: int = SESSION_TIMEOUT) -> None:
        super().__init__(name=name, daemon=True)
        self.timeout = timeout
        self.ports = list(ports)
        self.random = random.Random(seed)
        self.is_over = threading.Event()
        self.failure: BaseException | None = None
        self.last_zxid = 0

    def run(self) -> None:
        """Connects and works until `is_over` is set."""
        try:
            while not self.is_over.is_set():
                try:
                    session = self.connect()
                except (Disconnected, ProtocolError):
                    self.is_over.wait(0.05)
                    continue
                try:
                    while not self.is_over.is_set():
                        self.step(session)
                except Disconnected:
                    self.on_lost()
                finally:
                    self.last_zxid = max(self.last_zxid, session.last_zxid)
                    session.drop()
        except BaseException as failure:  # raised again by `stop`
            self.failure = failure

    def connect(self) -> Session:
        """Begins a session with any of the servers.

        Raises:
            Disconnected: the server is down, or does not serve.
        """
        return Session("127.0.0.1", self.random.choice(self.ports), self.timeout, self.last_zxid)

    def step(self, session: Session) -> None:
        """Sends the next request."""
        raise NotImplementedError

    def on_lost(self) -> None:
        """Handles the loss of a connection before a reply."""

    def stop(self) -> None:
        """Stops the worker, and waits until it has stopped.

        Raises:
            AssertionError: it has failed, or does not stop.
        """
        self.is_over.set()
        self.join(STOPPED_WITHIN)
        if self.failure is not None:
            raise AssertionError(f"{self.name}: {self.failure!r}") from self.failure
        if self.is_alive():
            raise AssertionError(f"{self.name} does not stop")


class Writer(Worker):
    """A client that writes.

    Attributes:
        told: what it knows from the replies.
    """

    def __init__(self, name: str, ports: Sequence[int], seed: int, timeout: int = SESSION_TIMEOUT) -> None:
        super().__init__(name, ports, seed, timeout)
        self.told = Told()
        self._number = 0
        self._doing = ""

    def step(self, session: Session) -> None:
        """Creates a node and sets the common node, in turn."""
        self._number += 1
        if self._number % 2:
            self._doing = path = f"{ROOT}/{self.name}-{self._number}"
            answer = session.call(tree.Create(path, self.name.encode()))
            if self.check_done(answer, path):
                self.told.acknowledged[path] = answer.zxid
        else:
            self._doing = ""
            answer = session.call(tree.SetData(ROOT, self.name.encode()))
            self.told.sets += self.check_done(answer, ROOT)

    def check_done(self, answer: Answer, path: str) -> bool:
        """Returns True if the request was applied, False if it failed; notes unexpected errors."""
        if not isinstance(answer.reply, Failed):
            return True
        if answer.reply.error not in OVER:
            self.told.wrong.append(f"{path}: {answer.reply!r}")
        return False

    def on_lost(self) -> None:
        """Notes that the last request may or may not have been applied."""
        if self._doing:
            self.told.unknown.add(self._doing)
        else:
            self.told.unknown_sets += 1


class Watcher(Worker):
    """A client with a recursive watch, which must receive one event for each creation, in order.

    Attributes:
        seen: how many creations it has received events for.
        wrong: events that came twice or in the wrong order, in words.
    """

    def __init__(self, name: str, ports: Sequence[int], seed: int, timeout: int = SESSION_TIMEOUT) -> None:
        super().__init__(name, ports, seed, timeout)
        self.seen = 0
        self.wrong: list[str] = []
        self._session: Session | None = None
        self._last: dict[str, int] = {}

    def step(self, session: Session) -> None:
        """Registers the watch on a new connection, and checks the events that have arrived."""
        if session is not self._session:
            session.call(watches.AddWatch(ROOT, recursive=True))
            self._session, self._last = session, {}
        self.is_over.wait(0.02)
        session.ping()
        events, session.events = session.events, []
        for event in events:
            if event.type != watches.EventType.CREATED:
                continue
            name, _, number = event.path.removeprefix(f"{ROOT}/").rpartition("-")
            self.seen += 1
            if int(number) <= self._last.get(name, 0):
                self.wrong.append(f"{event.path} after {self._last[name]}")
            self._last[name] = int(number)


def prepare(port: int) -> None:
    """Creates the node below which all clients work."""
    session = Session("127.0.0.1", port, PATIENT)
    session.call(tree.Create(ROOT, b""))
    session.call(tree.CloseSession())


def differences(
    ports: Sequence[int],
    writers: Sequence[Writer],
    more: Callable[[Mapping[str, Data]], list[str]] = lambda _: [],
) -> list[str]:
    """Returns what differs between the servers' trees and the replies to the writers; empty if nothing does.

    Args:
        ports: the client ports of the servers.
        writers: the writers, which have all stopped.
        more: returns what else is wrong with a tree.
    """
    found = [wrong for writer in writers for wrong in writer.told.wrong]
    trees = {port: everything(port) for port in ports}
    first = trees[ports[0]]
    for port, nodes in trees.items():
        for path in sorted(set(nodes) | set(first)):
            if nodes.get(path) != first.get(path):
                found.append(f"{path} is {nodes.get(path)} at {port}, {first.get(path)} at {ports[0]}")
    found += more(first)
    acknowledged = {path: zxid for writer in writers for path, zxid in writer.told.acknowledged.items()}
    unknown = {path for writer in writers for path in writer.told.unknown}
    for path, zxid in acknowledged.items():
        if path not in first:
            found.append(f"{path} was acknowledged at 0x{zxid:x} and is lost")
        elif first[path].stat.czxid != zxid:
            found.append(
                f"{path} was acknowledged at 0x{zxid:x}, and its czxid is 0x{first[path].stat.czxid:x}"
            )
    found += (
        f"{path} exists, and no client has asked for it"
        for path in first
        if path.startswith(f"{ROOT}/") and path not in acknowledged and path not in unknown
    )
    least = sum(writer.told.sets for writer in writers)
    most = least + sum(writer.told.unknown_sets for writer in writers)
    version = first[ROOT].stat.version
    if not least <= version <= most:
        found.append(f"{ROOT} was set {version} times, which is not between {least} and {most}")
    return found


def everything(port: int) -> dict[str, Data]:
    """Syncs a server, and returns all its nodes except `/zookeeper`, by path."""
    session = Session("127.0.0.1", port, PATIENT)
    session.call(Sync("/"))
    found: dict[str, Data] = {}
    todo = ["/"]
    while todo:
        paths, todo = todo[:BATCH], todo[BATCH:]
        asked = [each for path in paths for each in (tree.GetData(path), tree.GetChildren(path))]
        reply = session.call(tree.MultiRead(tuple(asked))).reply
        assert isinstance(reply, Parts), f"{paths[0]} and others: {reply}"
        for path, data, children in zip(paths, reply.parts[::2], reply.parts[1::2], strict=True):
            if Failed(Error.NO_NODE) in (data, children):  # ephemeral, and deleted meanwhile
                continue
            assert isinstance(data, Data), f"{path}: {data}"
            assert isinstance(children, Children), f"{path}: {children}"
            found[path] = data
            start = "" if path == "/" else path
            todo += (f"{start}/{name}" for name in children.names if name != "zookeeper")
    session.call(tree.CloseSession())
    return found
