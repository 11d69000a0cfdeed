"""The parity instance: `zabspec.paper` with the bookkeeping that Apache's `Zab.tla` keeps in its state.

TLC counts states of `Zab.tla`, and that spec remembers more than ZAB needs: the label of the last action, all
that was ever proposed, who ever led an epoch, and what ex-leaders once knew. So that counts can be compared,
a *ledger* beside the spec's state keeps the same. No action reads the ledger; it is worked out from each step
as the step is taken. Deviation D16 in docs/deviations.md says more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from zabcheck.explorer.model import Model, Step
from zabcheck.models.bounds import Budget, by_name
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.paper.model import steps as bounded_steps
from zabspec import paper
from zabspec.histories import History, Zxid, index_of
from zabspec.paper.state import Role, Server, Stage, is_quorum, learners_at
from zabspec.parts import Queue, Row, Sid, replace

Marks = tuple[frozenset[Sid], ...]
"""`ackSid` of each transaction of a history."""


@dataclass(frozen=True, slots=True)
class Label:
    """`recorder.pc`: the last action and its servers."""

    action: int
    servers: tuple[Sid, ...]


@dataclass(frozen=True, slots=True)
class CEpochOf:
    """An element of `cepochRecv`."""

    sid: Sid
    connected: bool
    epoch: int


@dataclass(frozen=True, slots=True)
class AckEpochOf:
    """An element of `ackeRecv`."""

    sid: Sid
    connected: bool
    epoch: int
    history: History
    marks: Marks


@dataclass(frozen=True, slots=True)
class AckLeaderOf:
    """An element of `ackldRecv`."""

    sid: Sid
    connected: bool


@dataclass(frozen=True, slots=True)
class Proposed:
    """An element of `proposalMsgsLog`."""

    source: Sid
    epoch: int
    zxid: Zxid
    value: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """What Zab.tla remembers about one server and ZAB does not need."""

    marks: Marks = ()
    cepochs: frozenset[CEpochOf] = frozenset()
    ackepochs: frozenset[AckEpochOf] = frozenset()
    ackleaders: frozenset[AckLeaderOf] = frozenset()
    counter: int = 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """The bookkeeping. `flight` holds the marks of the histories in flight between servers."""

    label: Label
    proposed: frozenset[Proposed]
    led: tuple[frozenset[Sid], ...]  # by epoch, from 1: `epochLeader`
    servers: Row[Remembered]
    flight: Row[Row[Queue[Marks]]]


@dataclass(frozen=True, slots=True)
class World:
    """A state of the protocol, how it stands with the bounds, and the bookkeeping."""

    protocol: paper.State
    budget: Budget
    ledger: Ledger


MAX_EPOCH = 10


def model(bounds: Bounds) -> Model:
    """Returns the instance whose counts are TLC's: `bounds.numbered` is implied, `give_up` is left out."""
    size = bounds.servers
    bounds = replace(bounds, numbered=True, give_up=False)
    nothing: Queue[Marks] = Queue()
    ledger = Ledger(
        label=Label(-1, ()),
        proposed=frozenset(),
        led=(frozenset[Sid](),) * MAX_EPOCH,
        servers=Row([Remembered()] * size),
        flight=Row([Row([nothing] * size)] * size),
    )
    names = [action.__name__ for action in paper.NEXT]
    steps = tuple(
        Step(
            step.action,
            step.arguments,
            partial(_recorded, step, names.index(step.action)),
            _disjuncts if step.action == paper.leader_processes_ack.__name__ else None,
        )
        for step in bounded_steps(bounds)
    )
    return Model("paper", World(paper.initial(size), Budget(), ledger), steps, size, symmetry=True)


def _recorded(step: Step, number: int, world: Any, *arguments: Sid) -> Any:
    """Takes a step, and brings the ledger up to date."""
    after = step.apply(world, *arguments)
    if after is None:
        return None
    ledger = replace(world.ledger, label=Label(number, arguments))
    note = _NOTES.get(step.action)
    if note is not None:
        ledger = note(ledger, world.protocol, after.protocol, *arguments)
    return replace(after, ledger=ledger)


def _disjuncts(world: Any, leader: Sid, follower: Sid) -> int:
    """Returns how many of the overlapping disjuncts of LeaderProcessACK hold."""
    leading: Server = world.protocol.servers[leader]
    index = index_of(world.protocol.network[follower][leader].head.zxid, leading.history)
    assert index is not None
    outstanding = leading.committed < len(leading.history)
    if not outstanding or index <= leading.committed:
        return (not outstanding) + (index <= leading.committed)
    acked = leading.acked.put(follower, index)
    quorum = is_quorum([Sid(i) for i, count in enumerate(acked) if count >= index], acked)
    return max(1, (leading.committed < index - 1) + (not quorum))


def _starts(ledger: Ledger, _: paper.State, after: paper.State, server: Sid) -> Ledger:
    """SwitchToLeader."""
    leading = after.servers[server]
    if leading.role != Role.LEADING:
        return ledger
    marks = ledger.servers[server].marks
    own = AckEpochOf(server, True, leading.current_epoch, leading.history, marks)
    return _with(
        ledger,
        server,
        cepochs=frozenset({CEpochOf(server, True, leading.accepted_epoch)}),
        ackepochs=frozenset({own}),
        ackleaders=frozenset({AckLeaderOf(server, True)}),
        counter=0,
    )


def _loses(ledger: Ledger, before: paper.State, after: paper.State, leader: Sid, follower: Sid) -> Ledger:
    """Timeout: RemoveLearner, or LeaderShutdown when no quorum is left."""
    if after.servers[leader].role != Role.LEADING:
        return _shut_down(ledger, before, leader)
    known = ledger.servers[leader]
    ledger = _with(
        ledger,
        leader,
        cepochs=_unlinked(known.cepochs, follower),
        ackepochs=_unlinked(known.ackepochs, follower),
        ackleaders=_unlinked(known.ackleaders, follower),
    )
    return _emptied(_emptied(ledger, leader, follower), follower, leader)


def _restarts(ledger: Ledger, before: paper.State, after: paper.State, server: Sid) -> Ledger:
    """Restart: the effect depends on the server's role."""
    crashing = before.servers[server]
    if crashing.role == Role.LEADING:
        return _shut_down(ledger, before, server)
    if crashing.role == Role.FOLLOWING and crashing.leader is not None:
        return _loses(ledger, before, after, crashing.leader, server)
    return ledger


def _shut_down(ledger: Ledger, before: paper.State, leader: Sid) -> Ledger:
    """LeaderShutdown: messages in flight to the learners are lost; the sets are kept."""
    stages = before.servers[leader].stages
    for learner in learners_at(stages, Stage.CONNECTED):
        for sender in range(len(stages)):
            if sender != learner:
                ledger = _emptied(ledger, Sid(sender), learner)
    return ledger


def _hears_cepoch(ledger: Ledger, before: paper.State, _: paper.State, leader: Sid, follower: Sid) -> Ledger:
    epoch = before.network[follower][leader].head.epoch  # type: ignore[union-attr]
    known = _without(ledger.servers[leader].cepochs, follower)
    return _with(ledger, leader, cepochs=known | {CEpochOf(follower, True, epoch)})


def _hears_newepoch(
    ledger: Ledger, before: paper.State, after: paper.State, follower: Sid, leader: Sid
) -> Ledger:
    if after.servers[follower].role != Role.FOLLOWING:
        return _loses(ledger, before, after, leader, follower)
    return _flies(ledger, follower, [leader], ledger.servers[follower].marks)


def _hears_ackepoch(
    ledger: Ledger, before: paper.State, after: paper.State, leader: Sid, follower: Sid
) -> Ledger:
    message = before.network[follower][leader].head
    marks, ledger = _landed(ledger, follower, leader)
    known = _without(ledger.servers[leader].ackepochs, follower)
    heard = AckEpochOf(follower, True, message.epoch, message.history, marks)  # type: ignore[union-attr]
    ledger = _with(ledger, leader, ackepochs=known | {heard})
    was, leading = before.servers[leader].confirmed, after.servers[leader]
    if is_quorum(was, leading.stages):
        ledger = _flies(ledger, leader, [follower], ledger.servers[leader].marks)
    elif is_quorum(leading.confirmed, leading.stages):
        epoch = leading.accepted_epoch
        own = (frozenset({leader}),) * len(leading.history)
        led = (*ledger.led[: epoch - 1], ledger.led[epoch - 1] | {leader}, *ledger.led[epoch:])
        ledger = replace(_with(ledger, leader, marks=own), led=led)
        ledger = _flies(ledger, leader, learners_at(leading.stages, Stage.ACKEPOCH), own)
    else:
        return ledger
    sent = {Proposed(leader, leading.accepted_epoch, txn.zxid, txn.value) for txn in leading.history}
    return replace(ledger, proposed=ledger.proposed | sent)


def _hears_newleader(
    ledger: Ledger, before: paper.State, after: paper.State, follower: Sid, leader: Sid
) -> Ledger:
    if after.servers[follower].role != Role.FOLLOWING:
        return _loses(ledger, before, after, leader, follower)
    marks, ledger = _landed(ledger, leader, follower)
    return _with(ledger, follower, marks=marks)


def _hears_ackleader(
    ledger: Ledger, before: paper.State, _: paper.State, leader: Sid, follower: Sid
) -> Ledger:
    zxid = before.network[follower][leader].head.zxid  # type: ignore[union-attr]
    history, known = before.servers[leader].history, ledger.servers[leader]
    marks = tuple(
        mark | {follower} if txn.zxid <= zxid else mark
        for txn, mark in zip(history, known.marks, strict=True)
    )
    heard = _without(known.ackleaders, follower) | {AckLeaderOf(follower, True)}
    return _with(ledger, leader, ackleaders=heard, marks=marks)


def _logs(ledger: Ledger, _: paper.State, __: paper.State, leader: Sid) -> Ledger:
    return _with(ledger, leader, marks=(*ledger.servers[leader].marks, frozenset({leader})))


def _sends(ledger: Ledger, _: paper.State, after: paper.State, leader: Sid) -> Ledger:
    leading = after.servers[leader]
    zxid = Zxid(leading.current_epoch, leading.proposed)
    index = index_of(zxid, leading.history)
    assert index is not None
    sent = Proposed(leader, zxid.epoch, zxid, leading.history[index - 1].value)
    ledger = _with(ledger, leader, counter=leading.proposed)
    return replace(ledger, proposed=ledger.proposed | {sent})


def _hears_proposal(ledger: Ledger, before: paper.State, after: paper.State, follower: Sid, _: Sid) -> Ledger:
    if len(after.servers[follower].history) == len(before.servers[follower].history):
        return ledger
    return _with(ledger, follower, marks=(*ledger.servers[follower].marks, frozenset()))


def _hears_ack(ledger: Ledger, _: paper.State, after: paper.State, leader: Sid, follower: Sid) -> Ledger:
    index = after.servers[leader].acked[follower]
    marks = ledger.servers[leader].marks
    return _with(ledger, leader, marks=(*marks[: index - 1], marks[index - 1] | {follower}, *marks[index:]))


_NOTES: dict[str, Any] = by_name(
    {
        paper.server_becomes_oracle_choice: _starts,
        paper.server_follows_oracle: _starts,
        paper.connection_times_out: _loses,
        paper.server_restarts: _restarts,
        paper.leader_processes_cepoch: _hears_cepoch,
        paper.follower_processes_newepoch: _hears_newepoch,
        paper.leader_processes_ackepoch: _hears_ackepoch,
        paper.follower_processes_newleader: _hears_newleader,
        paper.leader_processes_ackleader: _hears_ackleader,
        paper.leader_accepts_request: _logs,
        paper.leader_sends_proposal: _sends,
        paper.follower_processes_proposal: _hears_proposal,
        paper.leader_processes_ack: _hears_ack,
    }
)


def _with(ledger: Ledger, server: Sid, **changes: Any) -> Ledger:
    changed = replace(ledger.servers[server], **changes)
    return replace(ledger, servers=ledger.servers.put(server, changed))


def _without(known: frozenset[Any], sid: Sid) -> frozenset[Any]:
    return frozenset(each for each in known if each.sid != sid)


def _unlinked(known: frozenset[Any], sid: Sid) -> frozenset[Any]:
    return frozenset(replace(each, connected=False) if each.sid == sid else each for each in known)


def _flies(ledger: Ledger, sender: Sid, receivers: Iterable[Sid], marks: Marks) -> Ledger:
    row = ledger.flight[sender]
    for receiver in receivers:
        if receiver != sender:
            row = row.put(receiver, row[receiver].with_last(marks))
    return replace(ledger, flight=ledger.flight.put(sender, row))


def _landed(ledger: Ledger, sender: Sid, receiver: Sid) -> tuple[Marks, Ledger]:
    queue = ledger.flight[sender][receiver]
    marks = queue.head
    assert marks is not None
    row = ledger.flight[sender].put(receiver, queue.without_first())
    return marks, replace(ledger, flight=ledger.flight.put(sender, row))


def _emptied(ledger: Ledger, sender: Sid, receiver: Sid) -> Ledger:
    nothing: Queue[Marks] = Queue()
    row = ledger.flight[sender].put(receiver, nothing)
    return replace(ledger, flight=ledger.flight.put(sender, row))
