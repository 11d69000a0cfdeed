"""Situations that a model of ZAB 1.0 must reach, or else it shows little."""

from __future__ import annotations

from zabspec.parts import Sid
from zabspec.phases import Phase
from zabspec.quorums import is_quorum
from zabspec.zab.disk import durable
from zabspec.zab.election import standing
from zabspec.zab.network import is_follower_of, is_reachable
from zabspec.zab.state import AckEpoch, Diff, NewLeader, Role, Snap, Stage, State, SyncMode, Trunc


def leader_is_established(state: State, leader: Sid) -> bool:
    """A leader reaches phase 3. ZooKeeper: Leader.startZkServer."""
    return state.servers[leader].phase == Phase.BROADCAST and state.servers[leader].role == Role.LEADING


def everyone_delivers(state: State) -> bool:
    """A transaction is delivered by every server. Paper: section III."""
    servers = [Sid(sid) for sid in range(len(state.servers))]
    return all(state.servers[sid].phase == Phase.BROADCAST for sid in servers) and all(
        state.servers[sid].tree for sid in servers
    )


def another_server_leads_too(state: State, leader: Sid, other: Sid) -> bool:
    """While one leader is established, so is another, of another epoch: the older has not noticed yet."""
    return leader_is_established(state, leader) and leader_is_established(state, other)


def learner_joins_during_broadcast(state: State, leader: Sid, follower: Sid) -> bool:
    """A follower connects to a leader that is established already."""
    return leader_is_established(state, leader) and state.servers[leader].stages[follower] == Stage.CONNECTED


def learner_gets_diff(state: State, follower: Sid, leader: Sid) -> bool:
    """A follower is about to receive with DIFF what it lacks."""
    if not isinstance(state.network[leader][follower].head, Diff) or not is_follower_of(
        state, follower, leader
    ):
        return False
    return len(state.servers[follower].tree) < len(state.servers[leader].tree)


def learner_gets_trunc(state: State, follower: Sid, leader: Sid) -> bool:
    """A follower is about to truncate what its leader does not have."""
    if not isinstance(state.network[leader][follower].head, Trunc):
        return False
    return is_follower_of(state, follower, leader)


def learner_applies_after_trunc(state: State, follower: Sid, leader: Sid) -> bool:
    """A follower that was sent TRUNC has applied what was committed after that and is not on its disk yet.

    That may be what TRUNC has just cut off, sent again because it was outstanding. It need not be a DIFF.
    """
    if state.servers[follower].sync_mode != SyncMode.TRUNC:
        return False
    return durable(state.servers[follower]) != state.servers[follower].tree and is_follower_of(
        state, follower, leader
    )


def learner_gets_snap(state: State, follower: Sid, leader: Sid) -> bool:
    """A follower is about to receive its leader's whole tree."""
    if not isinstance(state.network[leader][follower].head, Snap):
        return False
    return is_follower_of(state, follower, leader)


def history_is_adopted(state: State, follower: Sid, leader: Sid) -> bool:
    """A follower receives NEWLEADER after committed transactions that it did not have."""
    if not isinstance(state.network[leader][follower].head, NewLeader):
        return False
    return is_follower_of(state, follower, leader) and state.servers[follower].to_commit > 0


def epoch_is_promised_again(state: State, leader: Sid, follower: Sid) -> bool:
    """A follower acknowledges an epoch that it had promised before, which does not count."""
    message = state.network[follower][leader].head
    return isinstance(message, AckEpoch) and message.epoch is None


def leader_is_not_up_to_date(state: State, leader: Sid, follower: Sid) -> bool:
    """A leader in discovery finds that a follower has more than it has, and refuses that follower."""
    message = state.network[follower][leader].head
    if not isinstance(message, AckEpoch) or message.epoch is None:
        return False
    if state.servers[leader].phase != Phase.DISCOVERY:
        return False
    return (message.epoch, message.zxid) > standing(state, leader)


def leader_delivers_before_writing(state: State, leader: Sid) -> bool:
    """A leader has delivered a transaction that is not yet on its own disk."""
    leading = state.servers[leader]
    if not leader_is_established(state, leader) or not leading.unsynced:
        return False
    return len(leading.tree) > len(durable(leading))


def observer_delivers(state: State, observer: Sid) -> bool:
    """An observer serves, and has delivered a transaction."""
    if observer not in state.observers or state.servers[observer].phase != Phase.BROADCAST:
        return False
    return bool(state.servers[observer].tree)


def leader_is_cut_off(state: State, leader: Sid, other: Sid) -> bool:
    """A leader that a partition cuts off from every quorum leads on, while another is established."""
    if not another_server_leads_too(state, leader, other) or is_reachable(state, leader, other):
        return False
    servers = [Sid(sid) for sid in range(len(state.servers))]
    return not is_quorum(state.quorums, [sid for sid in servers if is_reachable(state, leader, sid)])


def deposed_leader_proposes(state: State, leader: Sid, other: Sid) -> bool:
    """A leader that is cut off has proposed what will be truncated: another already leads, without it."""
    if not leader_is_cut_off(state, leader, other) or not state.servers[leader].proposed:
        return False
    deposed, leading = state.servers[leader], state.servers[other]
    last = (*durable(deposed), *deposed.unsynced)[-1]
    return last not in (*durable(leading), *leading.unsynced)


def message_outlasts_partition(state: State, sender: Sid, receiver: Sid) -> bool:
    """A message waits for the network to heal while both ends still hold their connection."""
    if is_reachable(state, sender, receiver) or state.network[sender][receiver].head is None:
        return False
    if not is_follower_of(state, receiver, sender):
        return False
    return state.servers[sender].stages[receiver] != Stage.ABSENT


def server_refuses_to_start(state: State, server: Sid) -> bool:
    """A server crashed between writing history and epoch, and does not start again."""
    return state.servers[server].role == Role.STOPPED
