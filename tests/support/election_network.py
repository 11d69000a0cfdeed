"""Cores that elect a leader over a network in memory, and what must hold of every step and in the end.

A step is an action that a test has chosen: a notification is delivered, lost or repeated, time passes, a
server crashes, starts, or looks for a leader again. Then the network is calm: everything is delivered, and
servers abandon leaders that do not lead and followers that do not connect, as `Leader` and `Learner` of
ZooKeeper do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from zabserver.wire.election import Notification, ServerState, decode_notification
from zabserver.zab.election import Election
from zabserver.zab.ensemble import Ensemble

Item = TypeVar("Item")

ESTABLISHED = (ServerState.FOLLOWING, ServerState.LEADING)
MOST_WAITING = 3
"""Most notifications in flight on a link; then the newest replaces the one before."""
PATIENCE_WITH_ROLES = 2000
"""Longest time to follow a server that does not lead, or to lead without a quorum, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Disk:
    """What a server has logged; ordered as votes are."""

    epoch: int
    zxid: int


@dataclass(slots=True)
class Heard:
    """The notifications that a server has received since it began to look: votes, and claims to lead."""

    votes: dict[int, set[tuple[int, int]]] = field(default_factory=dict)  # leader and round
    decisions: dict[int, set[int]] = field(default_factory=dict)
    leading: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Decision:
    """A server's decision, with the reasons for it."""

    server: int
    leader: int
    state: ServerState
    round: int
    is_report: bool  # it was persuaded by those that had decided
    agreed: int | None  # for whom a quorum had decided in this round before
    heard: Heard


class Network:
    """The servers, the notifications in flight between them, and the properties violated so far.

    Args:
        ensemble: the configuration.
        disks: the disk of each server, by id.
        make: makes a core, with or without a mistake.
        delays: delays of notifications in milliseconds, used in turn.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        disks: dict[int, Disk],
        make: Callable[[int, Ensemble], Election] = Election,
        delays: Sequence[int] = (5,),
    ) -> None:
        self.ensemble, self.disks, self.make, self.delays = ensemble, disks, make, delays
        self.now = 0
        self.sids = sorted(disks)
        self.up: dict[int, Election] = {}
        self.heard: dict[int, Heard] = {}
        self.links = {
            (one, other): deque[tuple[int, Notification]]() for one in self.sids for other in self.sids
        }
        self.last: dict[tuple[int, int], Notification] = {}
        self.since: dict[int, int] = {}  # when a server took its role
        self.decisions: list[Decision] = []
        self.broken: set[str] = set()
        self._sent = 0

    # Steps.

    def start(self, sid: int) -> None:
        """Starts a server, or makes it look for a leader again."""
        if sid not in self.up:
            self.up[sid] = self.make(sid, self.ensemble)
            for other in self.sids:
                self.repeat((other, sid))
        disk = self.disks[sid]
        self.heard[sid] = Heard()
        self.up[sid].start(disk.zxid, disk.epoch, self.now)
        self._take(sid)

    def crash(self, sid: int) -> None:
        """Crashes a server, and loses everything in flight to it."""
        if self.up.pop(sid, None) is not None:
            for other in self.sids:
                self.links[other, sid].clear()

    def deliver(self, link: tuple[int, int]) -> None:
        """Delivers the first notification on a link."""
        sender, receiver = link
        _, notification = self.links[link].popleft()
        server = self.up[receiver]
        if server.state == ServerState.LOOKING and sender in self.ensemble.voters:
            self._hear(receiver, sender, notification)
        self._step(receiver, lambda: server.on_notification(sender, notification, self.now), is_report=True)

    def tick(self, sid: int) -> None:
        """Passes time until a server has something to do."""
        server = self.up[sid]
        self._step(sid, lambda: server.on_tick(self.now), is_report=False)

    def wait(self, duration: int) -> None:
        """Passes time without delivering anything."""
        end = self.now + duration
        while True:
            due = [(when, sid) for when, sid in self.dues() if when <= end]
            if not due:
                break
            self.now, sid = min(due)
            self.tick(sid)
        self.now = end

    def lose(self, link: tuple[int, int]) -> None:
        """Loses everything on a link."""
        self.links[link].clear()

    def repeat(self, link: tuple[int, int]) -> None:
        """Sends the last notification on a link again, as after a reconnection."""
        if link in self.last and self.up.keys() >= set(link):
            self._post(link, self.last[link])

    def calm(self, limit: int) -> int | None:
        """Delivers everything until all running servers follow one leader.

        Returns:
            The time that took in milliseconds; None if it took longer than `limit`.
        """
        begin = self.now
        while not self.is_settled():
            if not self.advance(begin + limit):
                return None
        return self.now - begin

    def advance(self, end: int) -> bool:
        """Performs the next event; returns whether there is one before `end`."""
        arrivals = [(queue[0][0], 0, link) for link, queue in self.links.items() if queue]
        dues = [(when, 1, (sid, sid)) for when, sid in self.dues()]
        left = [(self.since[sid] + PATIENCE_WITH_ROLES, 2, (sid, sid)) for sid in self._lost()]
        when, kind, link = min([*arrivals, *dues, *left], default=(end + 1, 0, (0, 0)))
        if when > end:
            return False
        self.now = max(self.now, when)
        if kind == 0:
            self.deliver(link)
        elif kind == 1:
            self.tick(link[0])
        else:
            self.start(link[0])
        return True

    def is_settled(self) -> bool:
        """True if all running servers follow one that leads."""
        leaders = {server.decided.leader if server.decided else None for server in self.up.values()}
        return len(leaders) == 1 and all(leader is not None and self._leads(leader) for leader in leaders)

    # Their parts.

    def dues(self) -> list[tuple[int, int]]:
        """Returns the times at which servers have something to do."""
        dues = [(self.up[sid].next_due, sid) for sid in sorted(self.up)]
        return [(when, sid) for when, sid in dues if when is not None]

    def _lost(self) -> list[int]:
        """Returns the servers that lead without a quorum, or follow one that does not lead."""
        lost = []
        for sid, server in sorted(self.up.items()):
            if server.decided is None:
                continue
            if server.state == ServerState.LEADING:
                if not self.ensemble.is_quorum(self.followers(sid)):
                    lost.append(sid)
            elif not self._leads(server.decided.leader):
                lost.append(sid)
        return lost

    def _leads(self, sid: int) -> bool:
        return sid in self.up and self.up[sid].state == ServerState.LEADING

    def followers(self, leader: int) -> list[int]:
        """Returns the servers that have decided for a leader, itself included."""
        return [
            sid for sid, each in sorted(self.up.items()) if each.decided and each.decided.leader == leader
        ]

    def agreed(self, in_round: int, without: int) -> int | None:
        """Returns the leader for whom a quorum other than one server has decided in a round; None if there is
        none.
        """
        deciding: dict[int, list[int]] = {}
        for sid, server in self.up.items():
            if sid != without and server.decided and server.round == in_round and server.state in ESTABLISHED:
                deciding.setdefault(server.decided.leader, []).append(sid)
        return next((leader for leader, sids in deciding.items() if self.ensemble.is_quorum(sids)), None)

    def _hear(self, receiver: int, sender: int, notification: Notification) -> None:
        heard = self.heard[receiver]
        heard.votes.setdefault(sender, set()).add((notification.leader, notification.round))
        if notification.state in ESTABLISHED:
            heard.decisions.setdefault(sender, set()).add(notification.leader)
        if notification.state == ServerState.LEADING:
            heard.leading.add(sender)

    def _step(self, sid: int, act: Callable[[], None], *, is_report: bool) -> None:
        server = self.up[sid]
        before, in_round, was = server.vote, server.round, server.state
        act()
        self._take(sid)
        if was != ServerState.LOOKING or before is None or server.vote is None:
            return
        if server.decided is None:
            if server.round == in_round and server.vote.rank < before.rank:
                self.broken.add("vote_gets_better")
            return
        self.since[sid] = self.now
        agreed = self.agreed(server.round, without=sid)
        decision = Decision(
            sid, server.decided.leader, server.state, server.round, is_report, agreed, self.heard[sid]
        )
        self.decisions.append(decision)
        self.broken |= {name for name, holds in OF_DECISIONS.items() if not holds(self, decision)}

    def _take(self, sid: int) -> None:
        server = self.up[sid]
        if server.vote is not None and server.state == ServerState.LOOKING and sid in self.ensemble.voters:
            self.heard[sid].votes.setdefault(sid, set()).add((server.vote.leader, server.vote.round))
        for receiver, notification in server.take_sends():
            self.last[sid, receiver] = notification
            if receiver in self.up:
                self._post((sid, receiver), notification)

    def _post(self, link: tuple[int, int], notification: Notification) -> None:
        queue = self.links[link]
        if len(queue) == MOST_WAITING:
            queue.pop()
        arrival = self.now + self.delays[self._sent % len(self.delays)]
        self._sent += 1
        if queue:
            arrival = max(arrival, queue[-1][0])
        queue.append((arrival, decode_notification(notification.encode())))


# What holds of every decision; see `zabspec.fast_election.properties`.


def decision_has_quorum(network: Network, decision: Decision) -> bool:
    """A server decides for a leader that a quorum has voted for: in its round, or having decided."""
    heard = decision.heard
    in_round = [sid for sid, named in heard.votes.items() if (decision.leader, decision.round) in named]
    reported = [sid for sid, named in heard.decisions.items() if decision.leader in named]
    return network.ensemble.is_quorum(in_round) or (
        decision.is_report and network.ensemble.is_quorum(reported)
    )


def leader_has_best_vote(network: Network, decision: Decision) -> bool:
    """A server that becomes leader has logged as much as every server of some quorum; ties go by id."""
    if decision.state != ServerState.LEADING:
        return True
    best = _rank(network, decision.server)
    return network.ensemble.is_quorum([sid for sid in network.sids if _rank(network, sid) <= best])


def leader_has_weight(network: Network, decision: Decision) -> bool:
    """No server decides for one that has no weight or does not vote."""
    return decision.leader in network.ensemble.voters and network.ensemble.weight(decision.leader) > 0


def reported_leader_said_so(network: Network, decision: Decision) -> bool:
    """A server that is persuaded by decided servers has heard from the leader itself that it leads."""
    is_free = not decision.is_report or decision.leader == decision.server
    return is_free or decision.leader in decision.heard.leading


def agreement(network: Network, decision: Decision) -> bool:
    """Once a quorum has decided for a leader in a round, no other server becomes leader in that round.

    Holds only while no server crashes and notifications take less than a hold-off.
    """
    return decision.state != ServerState.LEADING or decision.agreed in (None, decision.server)


OF_DECISIONS: dict[str, Callable[[Network, Decision], bool]] = {
    each.__name__: each
    for each in (
        decision_has_quorum,
        leader_has_best_vote,
        leader_has_weight,
        reported_leader_said_so,
        agreement,
    )
}


def _rank(network: Network, sid: int) -> tuple[int, int, int]:
    disk = network.disks[sid]
    return (disk.epoch, disk.zxid, sid)


# A run: what a test has chosen to happen.


@dataclass(frozen=True, slots=True)
class Run:
    """A network at its start, and what happens to it.

    Attributes:
        disks: disks of the servers 1, 2 and so on.
        starts: when each server starts, in milliseconds; the others start one after the other as actions say.
        actions: their kind, on which server or link they act, and how much.
        delays: as of `Network`.
    """

    ensemble: Ensemble
    disks: tuple[Disk, ...]
    actions: tuple[tuple[str, int], ...] = ()
    starts: tuple[int, ...] = ()
    delays: tuple[int, ...] = (5,)

    def begun(self, make: Callable[[int, Ensemble], Election]) -> Network:
        """Returns the network before anything has happened."""
        return Network(self.ensemble, dict(enumerate(self.disks, 1)), make, self.delays)


def disturbed(run: Run, make: Callable[[int, Ensemble], Election] = Election) -> Network:
    """Starts all servers and performs the actions."""
    network = run.begun(make)
    for sid in network.sids:
        network.start(sid)
    for kind, number in run.actions:
        _act(network, kind, number)
    return network


def undisturbed(run: Run, make: Callable[[int, Ensemble], Election] = Election) -> Network:
    """Starts servers when the run says, and delivers everything after its delay."""
    network = run.begun(make)
    for when, sid in sorted(zip(run.starts, network.sids, strict=True)):
        while network.advance(when):
            pass
        network.now = when
        network.start(sid)
    network.calm(60_000)
    return network


def _act(network: Network, kind: str, number: int) -> None:
    busy = [link for link, queue in network.links.items() if queue]
    up = sorted(network.up)
    down = [sid for sid in network.sids if sid not in network.up]
    if kind == "deliver" and busy:
        network.deliver(_chosen(busy, number))
    elif kind == "lose" and busy:
        network.lose(_chosen(busy, number))
    elif kind == "repeat" and network.last:
        network.repeat(_chosen(sorted(network.last), number))
    elif kind == "wait":
        network.wait(number)
    elif kind == "crash" and up:
        network.crash(_chosen(up, number))
    elif kind == "start" and down:
        network.start(_chosen(down, number))
    elif kind == "look_again" and up:
        sid = _chosen(up, number)
        if network.up[sid].decided is not None:
            network.start(sid)


def _chosen(some: Sequence[Item], number: int) -> Item:
    return some[number % len(some)]


def recover(network: Network, stay_down: Iterable[int] = ()) -> None:
    """Starts servers that are down, except for some."""
    for sid in network.sids:
        if sid not in network.up and sid not in stay_down:
            network.start(sid)
