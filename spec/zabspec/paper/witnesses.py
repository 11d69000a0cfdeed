"""Situations that a model of the paper's ZAB must reach, or else it shows little.

Each predicate is true of the states that it looks for. `zabcheck.models.instances` says within which bounds.
"""

from __future__ import annotations

from zabspec.histories import ZERO, index_of
from zabspec.paper.state import AckEpoch, CommitLeader, NewEpoch, NewLeader, Propose, Role, Stage, State
from zabspec.parts import Sid
from zabspec.phases import Phase


def leader_is_established(state: State, leader: Sid) -> bool:
    """A leader reaches phase 3. Paper: section IV, l.2.2."""
    return state.servers[leader].phase == Phase.BROADCAST and state.servers[leader].role == Role.LEADING


def everyone_delivers(state: State) -> bool:
    """A transaction is delivered by every server. Paper: section III."""
    return all(state.servers[Sid(sid)].committed > 0 for sid in range(len(state.servers)))


def another_server_leads_too(state: State, leader: Sid, other: Sid) -> bool:
    """While one leader is established, another server believes that it leads. Paper: section II."""
    return leader_is_established(state, leader) and state.servers[other].role == Role.LEADING


def earlier_epoch_is_delivered(state: State, follower: Sid, leader: Sid) -> bool:
    """COMMIT-LD tells a follower to deliver what was proposed in an earlier epoch. Paper: section IV,
    f.2.2.
    """
    message = state.network[leader][follower].head
    if not isinstance(message, CommitLeader) or message.zxid == ZERO:
        return False
    return message.zxid.epoch < state.servers[follower].current_epoch


def proposal_is_had_already(state: State, follower: Sid, leader: Sid) -> bool:
    """A proposal reaches a follower that has it from NEWLEADER already. Paper: section IV, f.3.1."""
    message = state.network[leader][follower].head
    if not isinstance(message, Propose):
        return False
    return index_of(message.txn.zxid, state.servers[follower].history) is not None


def logged_transaction_is_replaced(state: State, follower: Sid, leader: Sid) -> bool:
    """NEWLEADER brings a follower a history that lacks a transaction in its log. Paper: section IV, f.2.1."""
    message = state.network[leader][follower].head
    if not isinstance(message, NewLeader):
        return False
    history = state.servers[follower].history
    return message.history[: len(history)] != history


def follower_joins_during_broadcast(state: State, leader: Sid, follower: Sid) -> bool:
    """A follower connects to a leader that is established already. Paper: section IV, l.3.3."""
    return leader_is_established(state, leader) and state.servers[leader].stages[follower] == Stage.CONNECTED


def history_comes_from_follower(state: State, leader: Sid, follower: Sid) -> bool:
    """ACK-E brings a leader a transaction that it does not have. Paper: section IV, l.1.2."""
    message = state.network[follower][leader].head
    if not isinstance(message, AckEpoch):
        return False
    leading = state.servers[leader]
    return leading.phase == Phase.DISCOVERY and len(message.history) > len(leading.history)


def epoch_is_refused(state: State, follower: Sid, leader: Sid) -> bool:
    """NEWEPOCH asks a follower for a promise below one that it has given. Paper: section IV, f.1.2."""
    message = state.network[leader][follower].head
    return isinstance(message, NewEpoch) and message.epoch < state.servers[follower].accepted_epoch


def logged_transaction_is_delivered_elsewhere(state: State, server: Sid, other: Sid) -> bool:
    """A server without a leader has logged what only another has delivered. Paper: section IV, phase 2."""
    if state.servers[server].role != Role.LOOKING or state.servers[server].committed > 0:
        return False
    history = state.servers[server].history
    return bool(history) and history[0] in state.servers[other].history[: state.servers[other].committed]
