"""Phase 0, election, by its outcome: any server may lead that a quorum could elect.

ZooKeeper: FastLeaderElection; the messages that servers exchange there are left out. Ties go either way,
where in ZooKeeper the higher id wins, so all servers are alike. Votes in ZooKeeper may be out of date when
they are counted, though, so other servers may be elected as well. That does no harm, since discovery checks
the leader again. In the place of `server_is_elected`, `server_is_elected_late` allows the outcomes of votes
that count after their voters have stopped looking, and `server_leads_unelected` allows whatever an election
may come to, with crashes too. Departure: D27.
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
"""What elections compare of a server: its current epoch, then the last zxid in its tree."""


def server_is_elected(state: State, server: Sid) -> State | None:
    """A looking server leads if it has the best vote of some quorum of looking servers that it can reach.

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
    """A looking server leads if it has the best vote of some quorum of servers that look, or have looked.

    A server that does not look any more may have voted with less than it has by now, so what it has does not
    count.

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
    """A looking server leads, whatever its vote: an oracle or votes that are out of date name it.

    Paper: section IV, phase 0.
    ZooKeeper: QuorumPeer.run, LOOKING to LEADING.
    """
    if state.servers[server].role != Role.LOOKING or server in state.observers:
        return None
    return with_server(state, server, as_leader(state.servers[server], server))


def server_follows_leader(state: State, follower: Sid, leader: Sid) -> State | None:
    """A looking server connects to a server that leads, and tells it the last epoch that it has promised.

    It need not be one of those that elected the leader: a latecomer follows the server that others follow. So
    do observers, which send their promise in OBSERVERINFO.

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
    """A leader to which fewer than a quorum are connected goes back to election.

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

    The servers that are connected may never establish it: they have promised a later epoch, or were refused,
    or their acknowledgement does not count because they had promised the epoch before.

    ZooKeeper: Leader.waitForEpochAck and waitForNewLeaderAck, after initLimit.
    """
    leading = state.servers[leader]
    if leading.role != Role.LEADING or leading.phase == Phase.BROADCAST:
        return None
    if not is_quorum(state.quorums, leading.connecting):
        return None
    return stepped_down(state, leader)


def standing(state: State, server: Sid) -> Standing:
    """Returns what a server's first vote says of it (ZooKeeper: QuorumPeer.getInitLastLoggedZxid)."""
    return state.servers[server].current_epoch, state.servers[server].processed


def as_leader(server: Server, sid: Sid) -> Server:
    """Returns a server as it starts to lead: its own part of all that it waits for is there.

    Its own acknowledgement of NEWLEADER counts as soon as its epoch is on disk.
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
