"""Mutants that never do anything wrong: they stop, or take the same steps for ever, and a liveness property
must notice.

As in `zabcheck.models.paper.mutants`, each replaces an action or two of the paper's ZAB. Two of them are what
Zab.tla does: `follower_never_gives_up` and `only_ack_commits`. Other liveness properties than the one named
may catch a mutant too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from zabcheck.models.mutant import Mutant
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.paper.model import Action
from zabspec import paper
from zabspec.paper.broadcast import (
    follower_processes_proposal,
    leader_commits_proposal,
    leader_processes_ack,
)
from zabspec.paper.discovery import follower_connects, leader_processes_ackepoch
from zabspec.paper.election import follower_gives_up, leader_gives_up, server_follows_oracle
from zabspec.paper.network import with_channel
from zabspec.paper.state import Message, Role
from zabspec.parts import Queue, Sid, replace
from zabspec.phases import Phase


def never(action: Callable[..., Any]) -> Callable[..., Any]:
    """Disables an action, of any spec."""

    @wraps(action)
    def disabled(state: Any, *_: Sid) -> None:
        return None

    return disabled


def silent(action: Action, *, but_to_second: bool = False) -> Action:
    """Returns an action that does not send its messages.

    Args:
        action: the action of the spec.
        but_to_second: send the messages to the server that is the action's second argument.
    """

    @wraps(action)
    def muted(state: paper.State, actor: Sid, other: Sid) -> paper.State | None:
        after: paper.State | None = action(state, actor, other)
        if after is None:
            return None
        for receiver in range(len(state.servers)):
            if receiver != actor and not (but_to_second and receiver == other):
                channel = _shorter(state.network[actor][receiver], after.network[actor][receiver])
                after = with_channel(after, actor, Sid(receiver), channel)
        return after

    return muted


def _shorter(before: Queue[Message], after: Queue[Message]) -> Queue[Message]:
    return before if len(after) > len(before) else after


@wraps(server_follows_oracle)
def server_only_follows(state: paper.State, server: Sid) -> paper.State | None:
    """A looking server follows the server that the oracle names, even if that is itself."""
    looking = state.servers[server]
    if looking.role != Role.LOOKING or state.oracle is None:
        return None
    following = replace(looking, role=Role.FOLLOWING, phase=Phase.DISCOVERY)
    return replace(state, servers=state.servers.put(server, following))


_TWO = Bounds(servers=2, transactions=1, timeouts=1, give_up=True)
_THREE = Bounds(servers=3, transactions=1, timeouts=0, give_up=True)

LIVENESS_MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "follower_never_connects",
        "A follower waits for its leader to open the connection.",
        {paper.follower_connects: never(follower_connects)},
        _TWO,
        "leader_gets_established",
    ),
    Mutant(
        "leader_never_gives_up",
        "A leader without followers goes on leading.",
        {paper.leader_gives_up: never(leader_gives_up)},
        _TWO,
        "leader_gets_established",
    ),
    Mutant(
        "follower_never_gives_up",
        "A follower waits for ever for a server that is down; as in Zab.tla.",
        {paper.follower_gives_up: never(follower_gives_up)},
        _THREE,
        "leader_gets_established",
    ),
    Mutant(
        "named_server_follows_itself",
        "A server that the oracle names follows itself instead of leading.",
        {paper.server_follows_oracle: server_only_follows},
        _TWO,
        "leader_gets_established",
    ),
    Mutant(
        "no_newleader",
        "A leader that has chosen a history does not send NEWLEADER.",
        {paper.leader_processes_ackepoch: silent(leader_processes_ackepoch)},
        _TWO,
        "leader_gets_established",
    ),
    Mutant(
        "no_ack",
        "A follower logs proposals and does not acknowledge them.",
        {paper.follower_processes_proposal: silent(follower_processes_proposal)},
        _TWO,
        "proposal_is_delivered_by_quorum",
    ),
    Mutant(
        "no_commit",
        "A leader delivers and sends no COMMIT.",
        {paper.leader_processes_ack: silent(leader_processes_ack)},
        _TWO,
        "proposal_is_delivered_by_quorum",
    ),
    Mutant(
        "only_ack_commits",
        "A transaction that reached a quorum with NEWLEADER is never committed; as in Zab.tla.",
        {paper.leader_commits_proposal: never(leader_commits_proposal)},
        _THREE,
        "proposal_is_delivered_by_quorum",
    ),
    Mutant(
        "commit_to_last_only",
        "A leader sends COMMIT only to the follower whose acknowledgement completed the quorum.",
        {paper.leader_processes_ack: silent(leader_processes_ack, but_to_second=True)},
        _THREE,
        "proposal_is_delivered_by_follower",
    ),
)
