"""Phase 0, election, by its abstraction: any server leads that a quorum could elect.

ZooKeeper: FastLeaderElection; what servers would tell each other there is left out. Ties go either way,
where ZooKeeper lets the higher id win: so all servers are alike. Its votes may be out of date when they are
counted, though, so it may also elect others. That does no harm, since discovery checks the leader again. In
the place of `server_is_elected`, `server_is_elected_late` allows what comes of votes that outlast their
voters' looking, and `server_leads_unelected` whatever an election may come to, crashes and all. Departure:
D27.
"""

from __future__ import annotations

from zabspec.histories import ZERO, Zxid
from zabspec.parts import Row, Sid, replace
from zabspec.phases import Phase
from zabspec.quorums import is_quorum, weight
from zabspec.zab.network import (
    EMPTY,
    is_reachable,
    sent_to_leader,
    stepped_down,
    with_channel,
    with_server,
)
from zabspec.zab.state import FollowerInfo, Role, Server, Stage, State, learners_from

Standing = tuple[int, Zxid]
"""What makes a server worth electing: its current epoch, then the last zxid in its tree."""


def server_is_elected(state: State, server: Sid) -> State | None:
    """A looking server leads that has the best vote of some quorum of looking servers that it can reach.

    ZooKeeper: FastLeaderElection.lookForLeader returns a vote for the server itself.
    """
    if state.servers[server].role != Role.LOOKING or not weight(state.quorums, server):
        return None
    best = standing(state, server)
    supporters = [
        Sid(sid)
        for sid in range(len(state.servers))
        if state.servers[Sid(sid)].role == Role.LOOKING
        and standing(state, Sid(sid)) <= best
        and is_reachable(state, server, Sid(sid))
    ]
    if not is_quorum(state.quorums, supporters):
        return None
    return with_server(state, server, as_leader(state.servers[server], server))


def server_is_elected_late(state: State, server: Sid) -> State | None:
    """A looking server leads that has the best vote of some quorum of servers that look, or have looked.

    A server that looks no more may have voted with less than it has by now, so what it has does not count.

    ZooKeeper: FastLeaderElection.lookForLeader, where a vote counts until its voter is heard of again.
    """
    if state.servers[server].role != Role.LOOKING or not weight(state.quorums, server):
        return None
    best = standing(state, server)
    supporters = [
        Sid(sid)
        for sid in range(len(state.servers))
        if state.servers[Sid(sid)].role != Role.LOOKING or standing(state, Sid(sid)) <= best
    ]
    if not is_quorum(state.quorums, supporters):
        return None
    return with_server(state, server, as_leader(state.servers[server], server))


def server_leads_unelected(state: State, server: Sid) -> State | None:
    """A looking server leads, whatever its vote: an oracle named it, or votes that are out of date.

    Paper: section IV, phase 0.
    ZooKeeper: QuorumPeer.run, LOOKING to LEADING.
    """
    if state.servers[server].role != Role.LOOKING or server in state.observers:
        return None
    return with_server(state, server, as_leader(state.servers[server], server))


def server_follows_leader(state: State, follower: Sid, leader: Sid) -> State | None:
    """A looking server follows one that leads, connects to it and says what it has promised.

    It need not be one of those that elected it: who comes later follows whom others follow. Observers do so
    too, and say what they have promised in OBSERVERINFO.

    ZooKeeper: FastLeaderElection.lookForLeader, Learner.connectToLeader and registerWithLeader.
    """
    if state.servers[follower].role != Role.LOOKING or state.servers[leader].role != Role.LEADING:
        return None
    if state.servers[leader].stages[follower] != Stage.ABSENT or not is_reachable(state, follower, leader):
        return None
    following = replace(state.servers[follower], role=Role.FOLLOWING, phase=Phase.DISCOVERY, leader=leader)
    state = with_server(state, follower, following)
    stages = state.servers[leader].stages.put(follower, Stage.CONNECTED)
    state = with_server(state, leader, replace(state.servers[leader], stages=stages))
    state = with_channel(with_channel(state, leader, follower, EMPTY), follower, leader, EMPTY)
    return sent_to_leader(state, follower, leader, FollowerInfo(following.accepted_epoch))


def leader_gives_up(state: State, leader: Sid) -> State | None:
    """A leader that less than a quorum is connected to goes back to election.

    ZooKeeper: Leader.lead, in discovery after initLimit and later "Not sufficient followers synced".
    """
    if state.servers[leader].role != Role.LEADING:
        return None
    connected = learners_from(state.servers[leader].stages, Stage.CONNECTED)
    if is_quorum(state.quorums, connected):
        return None
    return stepped_down(state, leader)


def leader_stops_waiting(state: State, leader: Sid) -> State | None:
    """A leader that has proposed an epoch and is not established goes back to election, whoever is connected.

    It may be that those who are will never do: they have promised a later epoch, or were refused, or have
    acknowledged the epoch when they had promised it already, which does not count.

    ZooKeeper: Leader.waitForEpochAck and waitForNewLeaderAck, after initLimit.
    """
    leading = state.servers[leader]
    if leading.role != Role.LEADING or leading.phase == Phase.BROADCAST:
        return None
    if not is_quorum(state.quorums, leading.connecting):
        return None
    return stepped_down(state, leader)


def standing(state: State, server: Sid) -> Standing:
    """What a server's first vote says of it (ZooKeeper: QuorumPeer.getInitLastLoggedZxid)."""
    return state.servers[server].current_epoch, state.servers[server].processed


def as_leader(server: Server, sid: Sid) -> Server:
    """A server that starts to lead: of all that it waits for, its own part is there.

    Its own acknowledgement of NEWLEADER counts from the moment that it has its epoch on disk.
    """
    alone = frozenset({sid})
    size = len(server.stages)
    return replace(
        server,
        role=Role.LEADING,
        phase=Phase.DISCOVERY,
        stages=Row([Stage.ABSENT] * size).put(sid, Stage.SYNCED),
        connecting=alone,
        proposing_epoch=server.accepted_epoch + 1,
        electing=alone,
        reported=Row([ZERO] * size),
        adopting=alone,
        proposed=0,
        committed=0,
        acked=Row([0] * size),
    )
