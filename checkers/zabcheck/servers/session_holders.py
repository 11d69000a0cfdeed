"""Clients that keep their sessions from one server to the next, and create nodes that depend on the session.

A session holder creates ephemeral nodes, sequential nodes, and pairs of nodes in a multi. While its session
is alive its ephemeral nodes exist; once the server has reported that the session expired they do not. No
number of a sequential node is given twice, and each is larger than those acknowledged before it was asked
for. Of a pair both nodes exist, or none.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from zabcheck.servers.clients import OVER, PATIENT, SESSION_TIMEOUT, Worker
from zabcheck.servers.encoding import ProtocolError, Request, Sync
from zabcheck.servers.session import Answer, Disconnected, Session
from zabspec import tree
from zabspec.tree import Error, Flag
from zabspec.tree.replies import Changed, Created, Data, Failed, Parts

FOLDER = "/kept"
KINDS = ("ephemeral", "sequential", "pair")


class SessionHolder(Worker):
    """A client that resumes its session when it loses its connection.

    Attributes:
        session: the id and the password of its session; None if it has none.
        owned: the acknowledged ephemeral nodes of the session.
        doubtful: ephemeral nodes that may exist: the requests got no reply.
        numbers: the acknowledged sequential nodes, in order.
        doubtful_numbers: how many requests for sequential nodes got no reply.
        pairs: the acknowledged pairs of nodes.
        doubtful_pairs: pairs of nodes that may exist.
        expired: how many of its sessions have expired.
        wrong: what should not have happened, in words.
    """

    def __init__(self, name: str, ports: Sequence[int], seed: int, timeout: int = SESSION_TIMEOUT) -> None:
        super().__init__(name, ports, seed, timeout)
        self.session: tuple[int, bytes] | None = None
        self.owned: set[str] = set()
        self.doubtful: set[str] = set()
        self.numbers: list[str] = []
        self.doubtful_numbers = 0
        self.pairs: set[str] = set()
        self.doubtful_pairs: set[str] = set()
        self.expired = 0
        self.wrong: list[str] = []
        self._number = 0
        self._doing = ("", "")
        self._heard = time.monotonic()

    def connect(self) -> Session:
        """Resumes the session, or begins one if it has none.

        Raises:
            Disconnected: the server is down, or the session has expired.
        """
        port = self.random.choice(self.ports)
        session = Session("127.0.0.1", port, self.timeout, self.last_zxid, self.session)
        if session.id:
            self.session = (session.id, session.password)
            self._heard = time.monotonic()
            return session
        session.drop()
        self._on_over()
        raise Disconnected("the session has expired")

    def step(self, session: Session) -> None:
        """Creates nodes of some kind, deletes an ephemeral node, or checks that one exists."""
        self._number += 1
        kind = self.random.choice(KINDS)
        path = f"{FOLDER}/{kind}/{self.name}-{self._number}"
        self._doing = (kind, path)
        if kind == "sequential":
            self._create_in_sequence(session)
        elif kind == "pair":
            parts = (tree.Create(path), tree.Create(f"{path}-too"), tree.SetData(FOLDER, b""))
            if isinstance(self._call(session, tree.Multi(parts)).reply, Parts):
                self.pairs.add(path)
        elif self.owned and self.random.random() < 0.4:
            self._delete_one(session)
        elif self.owned and self.random.random() < 0.4:
            self._look_at_one(session)
        elif isinstance(self._call(session, tree.Create(path, flag=Flag.EPHEMERAL)).reply, Created):
            self.owned.add(path)
        self._doing = ("", "")

    def on_lost(self) -> None:
        """Notes that the last request may or may not have been applied."""
        kind, path = self._doing
        self._doing = ("", "")
        if kind == "pair":
            self.doubtful_pairs.add(path)
        elif kind == "ephemeral":
            self.doubtful.add(path)
        elif kind == "sequential":
            self.doubtful_numbers += 1

    def _create_in_sequence(self, session: Session) -> None:
        path = f"{FOLDER}/sequential/s-"
        reply = self._call(session, tree.Create(path, flag=Flag.SEQUENTIAL)).reply
        if isinstance(reply, Created):
            if self.numbers and reply.path <= self.numbers[-1]:
                self.wrong.append(f"{self.name}: {reply.path} was created after {self.numbers[-1]}")
            self.numbers.append(reply.path)

    def _delete_one(self, session: Session) -> None:
        path = self.random.choice(sorted(self.owned))
        self.owned.discard(path)
        self._doing = ("ephemeral", path)  # which may be deleted or not until there is a reply
        reply = self._call(session, tree.Delete(path)).reply
        if isinstance(reply, Failed) and reply.error == Error.NO_NODE:
            self.wrong.append(
                f"{path} did not exist although session 0x{session.id & (1 << 64) - 1:x} was alive"
            )

    def _look_at_one(self, session: Session) -> None:
        path = self.random.choice(sorted(self.owned))
        self._doing = ("", "")
        reply = self._call(session, tree.Exists(path)).reply
        is_its = isinstance(reply, Changed) and reply.stat.owner == session.id
        if not is_its and not _is_over(reply):
            self.wrong.append(f"{path} of session {session.id} is {reply}")

    def _call(self, session: Session, request: Request) -> Answer:
        answer = session.call(request)
        self._heard = time.monotonic()
        if _is_over(answer.reply):
            self._doing = ("", "")
            raise Disconnected("the session has expired or moved")
        return answer

    def _on_over(self) -> None:
        """Checks that the session was silent for long enough to expire, and that its nodes are gone."""
        silent = (time.monotonic() - self._heard) * 1000
        if silent < self.timeout / 2:
            self.wrong.append(f"{self.name}: the session expired after {silent:.0f} ms without a reply")
        self.expired += 1
        gone, self.owned, self.doubtful = self.owned | self.doubtful, set(), set()
        self.session = None
        try:
            session = Session("127.0.0.1", self.random.choice(self.ports), self.timeout)
            session.call(Sync("/"))
            for path in sorted(gone):
                reply = session.call(tree.Exists(path)).reply
                if isinstance(reply, Changed):
                    self.wrong.append(f"{path} exists although its session has expired")
            session.call(tree.CloseSession())
        except (Disconnected, ProtocolError):
            return  # checked at the end as well


def prepare_kept(port: int) -> None:
    """Creates the nodes below which all session holders work."""
    session = Session("127.0.0.1", port, PATIENT)
    for path in (FOLDER, *(f"{FOLDER}/{kind}" for kind in KINDS)):
        session.call(tree.Create(path))
    session.call(tree.CloseSession())


def kept_differences(nodes: Mapping[str, Data], holders: Sequence[SessionHolder]) -> list[str]:
    """Returns what differs between a tree and the replies to the holders, which have all stopped.

    Sessions may have expired since then: of a session's ephemeral nodes all exist, or none.
    """
    found = [wrong for holder in holders for wrong in holder.wrong]
    given = [path for holder in holders for path in holder.numbers]
    found += (f"{path} was created {count} times" for path, count in Counter(given).items() if count > 1)
    found += (f"{path} was acknowledged and is lost" for path in given if path not in nodes)
    for holder in holders:
        for path in sorted(holder.pairs | holder.doubtful_pairs):
            there = (path in nodes) + (f"{path}-too" in nodes)
            if there == 1 or (path in holder.pairs and not there):
                found.append(f"of the pair {path}, {there} exist")
        there = sum(path in nodes for path in holder.owned)
        if there not in (0, len(holder.owned)):
            found.append(f"of the {len(holder.owned)} ephemeral nodes of {holder.name}, {there} exist")
    return found + _counted_wrong(nodes, holders) + _without_owner(nodes, holders)


def ephemerals(nodes: Mapping[str, Data]) -> list[str]:
    """Returns the ephemeral nodes of all holders in a tree."""
    return sorted(path for path in nodes if path.startswith(f"{FOLDER}/ephemeral/"))


def _without_owner(nodes: Mapping[str, Data], holders: Sequence[SessionHolder]) -> list[str]:
    """Returns the ephemeral nodes that do not belong to their holder's session, in words."""
    sessions = {
        path: holder.session[0]
        for holder in holders
        if holder.session is not None
        for path in holder.owned | holder.doubtful
    }
    return [
        f"{path} of session {nodes[path].stat.owner} exists, and no holder has that session"
        for path in ephemerals(nodes)
        if sessions.get(path) != nodes[path].stat.owner
    ]


def _counted_wrong(nodes: Mapping[str, Data], holders: Sequence[SessionHolder]) -> list[str]:
    """Returns which requests were applied twice or not at all, by counts of nodes and of versions."""
    start = f"{FOLDER}/sequential/"
    counts = {
        "sequential nodes": (
            sum(path.startswith(start) for path in nodes),
            sum(len(holder.numbers) for holder in holders),
            sum(holder.doubtful_numbers for holder in holders),
        ),
        "multis": (
            nodes[FOLDER].stat.version,
            sum(len(holder.pairs) for holder in holders),
            sum(len(holder.doubtful_pairs) for holder in holders),
        ),
    }
    return [
        f"there are {there} {what}: {least} were acknowledged, and {more} more requests got no reply"
        for what, (there, least, more) in counts.items()
        if not least <= there <= least + more
    ]


def _is_over(reply: object) -> bool:
    return isinstance(reply, Failed) and reply.error in OVER
