"""ZAB 1.0 with its election, and one mistake put in where the two meet.

None of these mutants breaks a property of `zab`: whoever is elected, discovery compares the followers'
histories. They break that the right server is elected, or that its followers can find it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from zabcheck.models.fast_election.mutants import (
    server_believes_quorum,
    server_counts_last_vote,
    server_decides_alone,
)
from zabcheck.models.mutant import Mutant
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.elected import BEGINNING
from zabspec import fast_election, zab, zab_elected
from zabspec.fast_election.network import with_server
from zabspec.fast_election.state import Server
from zabspec.fast_election.votes import with_round_begun
from zabspec.histories import Zxid
from zabspec.parts import Sid, replace
from zabspec.zab_elected import Action, State


def beginning(entering: Callable[[Server, Zxid], Server]) -> dict[Action, Action]:
    """Returns all actions that begin a round, with something else written down about the server.

    Args:
        entering: from what the election knows of a server, and the server's last zxid, to what is written
            down instead of the truth.
    """

    def instead(action: Action) -> Action:
        @wraps(action)
        def mistaken(state: State, server: Sid, *others: Sid) -> State | None:
            done = action(state, server, *others)
            if done is None or done.election.servers[server].round == state.election.servers[server].round:
                return done
            said = entering(state.election.servers[server], done.servers[server].processed)
            return replace(done, election=with_round_begun(with_server(state.election, server, said), server))

        return mistaken

    return {action: instead(action) for action in zab_elected.NEXT if action.__name__ in BEGINNING}


def by_zxid_alone(was: Server, zxid: Zxid) -> Server:
    """A vote without an epoch."""
    return replace(was, epoch=0, zxid=zxid)


def as_before(was: Server, _: Zxid) -> Server:
    """A vote with what the server had in its last election."""
    return was


_TWO = Bounds(servers=2, transactions=1, timeouts=0, restarts=1, epochs=2, election="votes")
_THREE = Bounds(servers=3, transactions=0, timeouts=0, epochs=1, rounds=1, election="votes")

MUTANTS = (
    Mutant(
        "elected-alone",
        "A server leads as soon as it votes for itself, without a quorum for it.",
        {fast_election.server_decides: zab_elected.deciding(server_decides_alone)},
        _TWO,
        "leader_could_be_elected",
    ),
    Mutant(
        "elected-alone-in-votes",
        "As elected-alone: no other server has voted for the one that leads.",
        {fast_election.server_decides: zab_elected.deciding(server_decides_alone)},
        _TWO,
        "decision_has_quorum",
    ),
    Mutant(
        "old-standing",
        "A server that looks again votes with what it had when it looked first.",
        beginning(as_before),
        _TWO,
        "leader_could_be_elected",
    ),
    Mutant(
        "epoch-ignored",
        "A server votes by zxid alone, whatever its current epoch is.",
        beginning(by_zxid_alone),
        Bounds(servers=3, transactions=0, timeouts=1, epochs=2, election="votes"),
        "leader_could_be_elected",
    ),
    Mutant(
        "leader-not-checked",
        "A server that joins late follows the leader that a quorum names, without checking that it leads.",
        {fast_election.server_weighs_report: zab_elected.deciding(server_believes_quorum)},
        _THREE,
        "reported_leader_said_so",
    ),
    Mutant(
        "last-vote-adopted",
        "A server adopts the vote that it receives last, better or not.",
        {fast_election.server_counts_vote: zab_elected.in_election(server_counts_last_vote)},
        _TWO,
        "vote_gets_better",
    ),
    Mutant(
        "last-vote-elects",
        "As last-vote-adopted: the server with the worst vote may come to lead.",
        {fast_election.server_counts_vote: zab_elected.in_election(server_counts_last_vote)},
        _TWO,
        "leader_has_best_vote",
    ),
    Mutant(
        "follows-anyone",
        "A server connects to any leader, whatever it has decided.",
        {zab.server_follows_leader: zab.server_follows_leader},
        _THREE,
        "election_and_role_agree",
    ),
)
