"""Clients that write and watch while members come and go, and write down what they were told.

A writer creates nodes of ever new names, and sets one node again and again. What was acknowledged must be
there on every member in the end, at the zxid that was told; what is there and was not acknowledged must have
been asked for by a request that got no answer; and the version of the node that was set tells that nothing
was done twice.
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
OVER = (Error.SESSION_EXPIRED, Error.SESSION_MOVED)
"""What a client is told that has lost its session without knowing."""
BATCH = 200
"""How many nodes are read at once."""


@dataclass(slots=True)
class Told:
    """What one writer knows.

    Attributes:
        acknowledged: the zxid of each node that was created, by path.
        unknown: nodes that may have been created.
        sets: how often the node was set, acknowledged; `unknown_sets`: perhaps as many more.
    """

    acknowledged: dict[str, int] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    sets: int = 0
    unknown_sets: int = 0
    wrong: list[str] = field(default_factory=list)


class Worker(threading.Thread):
    """A client on a thread, which connects to one member after the other.

    Args:
        name: of its nodes, too.
        ports: of the members that it may connect to.
        seed: of its choices.
        timeout: of its sessions, and how long any answer may take, in milliseconds.
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
        """Goes on until it is told to stop."""
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
        except BaseException as failure:  # told to whoever waits for the thread
            self.failure = failure

    def connect(self) -> Session:
        """A new session, with any member.

        Raises:
            Disconnected: that is not there, or serves nobody.
        """
        return Session("127.0.0.1", self.random.choice(self.ports), self.timeout, self.last_zxid)

    def step(self, session: Session) -> None:
        """Does one thing."""
        raise NotImplementedError

    def on_lost(self) -> None:
        """The connection was lost while something was done."""

    def stop(self) -> None:
        """Returns when it has stopped.

        Raises:
            AssertionError: it has failed.
        """
        self.is_over.set()
        self.join(60)
        if self.failure is not None:
            raise AssertionError(f"{self.name}: {self.failure!r}") from self.failure
        if self.is_alive():
            raise AssertionError(f"{self.name} does not stop")


class Writer(Worker):
    """A client that writes."""

    def __init__(self, name: str, ports: Sequence[int], seed: int, timeout: int = SESSION_TIMEOUT) -> None:
        super().__init__(name, ports, seed, timeout)
        self.told = Told()
        self._number = 0
        self._doing = ""

    def step(self, session: Session) -> None:
        """Creates a node, or sets the one that it sets."""
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
        """Nobody knows what became of the last request."""
        if self._doing:
            self.told.unknown.add(self._doing)
        else:
            self.told.unknown_sets += 1


class Watcher(Worker):
    """A client that watches everything below the root, and is told of each creation once, in order."""

    def __init__(self, name: str, ports: Sequence[int], seed: int, timeout: int = SESSION_TIMEOUT) -> None:
        super().__init__(name, ports, seed, timeout)
        self.seen = 0
        self.wrong: list[str] = []
        self._session: Session | None = None
        self._last: dict[str, int] = {}

    def step(self, session: Session) -> None:
        """Watches, or looks what has come."""
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
    """Creates the node that all is below."""
    session = Session("127.0.0.1", port, SESSION_TIMEOUT)
    session.call(tree.Create(ROOT, b""))
    session.call(tree.CloseSession())


def differences(
    ports: Sequence[int],
    writers: Sequence[Writer],
    more: Callable[[Mapping[str, Data]], list[str]] = lambda _: [],
) -> list[str]:
    """What is not as the writers were told, on any member; empty if all is well.

    Args:
        ports: where the members are.
        writers: none of them at work.
        more: what else is to be found wrong with a tree.
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
            found.append(f"{path} was acknowledged at 0x{zxid:x} and is of 0x{first[path].stat.czxid:x}")
    found += (
        f"{path} is there, and nobody asked for it"
        for path in first
        if path.startswith(f"{ROOT}/") and path not in acknowledged and path not in unknown
    )
    least = sum(writer.told.sets for writer in writers)
    most = least + sum(writer.told.unknown_sets for writer in writers)
    version = first[ROOT].stat.version
    if not least <= version <= most:
        found.append(f"{ROOT} was set {version} times, and between {least} and {most} were asked for")
    return found


def everything(port: int) -> dict[str, Data]:
    """All nodes of a member but `/zookeeper`, after a sync, with data and Stat."""
    session = Session("127.0.0.1", port, SESSION_TIMEOUT)
    session.call(Sync("/"))
    found: dict[str, Data] = {}
    todo = ["/"]
    while todo:
        paths, todo = todo[:BATCH], todo[BATCH:]
        asked = [each for path in paths for each in (tree.GetData(path), tree.GetChildren(path))]
        reply = session.call(tree.MultiRead(tuple(asked))).reply
        assert isinstance(reply, Parts), f"{paths[0]} and others: {reply}"
        for path, data, children in zip(paths, reply.parts[::2], reply.parts[1::2], strict=True):
            if Failed(Error.NO_NODE) in (data, children):  # it has gone meanwhile, with its session
                continue
            assert isinstance(data, Data), f"{path}: {data}"
            assert isinstance(children, Children), f"{path}: {children}"
            found[path] = data
            start = "" if path == "/" else path
            todo += (f"{start}/{name}" for name in children.names if name != "zookeeper")
    session.call(tree.CloseSession())
    return found
