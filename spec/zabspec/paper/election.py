"""Phase 0, election: an oracle names the leader.

Paper: section IV leaves leader election to an oracle that is right in the end. Here the oracle may name any
server at any time; discovery makes up for a wrong choice by choosing the history from a quorum.
ZooKeeper: FastLeaderElection.
"""

from __future__ import annotations

from zabspec.paper.network import abandoned, as_looking, with_server
from zabspec.paper.state import Role, Server, Stage, State, is_quorum, learners_at
from zabspec.parts import Row, Sid, replace
from zabspec.phases import Phase
from zabspec.summaries import Summary


def server_becomes_oracle_choice(state: State, server: Sid) -> State | None:
    """The oracle names another server: a looking server becomes its choice and starts to lead.

    Paper: section IV, phase 0.
    ZooKeeper: QuorumPeer.run, LOOKING to LEADING.
    """
    looking = state.servers[server]
    if looking.role != Role.LOOKING or state.oracle == server:
        return None
    return replace(with_server(state, server, as_leader(looking, server)), oracle=server)


def server_follows_oracle(state: State, server: Sid) -> State | None:
    """A looking server does as the oracle says: it leads if the oracle names it, and otherwise follows.

    Paper: section IV, phase 0.
    ZooKeeper: QuorumPeer.run, LOOKING to FOLLOWING or LEADING.
    """
    looking = state.servers[server]
    if looking.role != Role.LOOKING or state.oracle is None:
        return None
    if state.oracle == server:
        return with_server(state, server, as_leader(looking, server))
    return with_server(state, server, replace(looking, role=Role.FOLLOWING, phase=Phase.DISCOVERY))


def leader_gives_up(state: State, leader: Sid) -> State | None:
    """A leader that fewer than a quorum follow goes back to phase 0, and its learners go with it.

    Paper: section IV, "if the leader loses support of a quorum, it abandons". Departure: D18.
    ZooKeeper: Leader.lead, "Not sufficient followers synced".
    """
    giving_up = state.servers[leader]
    if giving_up.role != Role.LEADING:
        return None
    if is_quorum(learners_at(giving_up.stages, Stage.CONNECTED), giving_up.stages):
        return None
    return abandoned(state, leader)


def follower_gives_up(state: State, follower: Sid) -> State | None:
    """A follower that is not connected goes back to phase 0 if the server named does not lead.

    Paper: section IV, a process in no epoch asks the oracle again. Departure: D18.
    ZooKeeper: Learner.connectToLeader fails after its last try; QuorumPeer.run, FOLLOWING to LOOKING.
    """
    giving_up = state.servers[follower]
    if giving_up.role != Role.FOLLOWING or giving_up.leader is not None:
        return None
    if state.oracle is not None and state.servers[state.oracle].role == Role.LEADING:
        return None
    return with_server(state, follower, as_looking(giving_up))


def as_leader(server: Server, sid: Sid) -> Server:
    """Returns a server as it starts to lead: it is the first to promise, confirm and acknowledge."""
    alone = frozenset({sid})
    size = len(server.stages)
    return replace(
        server,
        role=Role.LEADING,
        phase=Phase.DISCOVERY,
        stages=Row([Stage.ABSENT] * size).put(sid, Stage.ACKLD),
        promised=alone,
        highest_epoch=server.accepted_epoch,
        confirmed=alone,
        best=Summary(server.current_epoch, server.history),
        synced=alone,
        acked=Row([0] * size),
        proposed=0,
    )
