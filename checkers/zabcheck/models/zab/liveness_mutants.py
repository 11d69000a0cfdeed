"""ZAB 1.0 that never does anything wrong: it stops, or takes the same steps for ever, and liveness must
notice.

As in `zabcheck.models.paper.liveness_mutants`, other properties than the one named may catch a mutant too.
"""

from __future__ import annotations

from functools import partial, wraps

from zabcheck.models.mutant import Mutant
from zabcheck.models.paper.liveness_mutants import never
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.mistakes import changed
from zabcheck.models.zab.model import Action
from zabspec import zab
from zabspec.parts import Sid, replace
from zabspec.phases import Phase
from zabspec.zab.network import with_channel, with_server
from zabspec.zab.state import State


def silent(action: Action, *, second: bool = False) -> Action:
    """Returns an action that does not send its messages, except, if so asked, those to its second
    argument.
    """

    @wraps(action)
    def muted(state: State, actor: Sid, *others: Sid) -> State | None:
        after: State | None = action(state, actor, *others)
        if after is None:
            return None
        for receiver in map(Sid, range(len(state.servers))):
            before, now = state.network[actor][receiver], after.network[actor][receiver]
            if len(now) > len(before) and not (second and receiver in others):
                after = with_channel(after, actor, receiver, before)
        return after

    return muted


def newleader_ack_is_answered_once(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader answers an acknowledgement of NEWLEADER by UPTODATE only if it establishes the leader."""
    answer = zab.leader_processes_newleader_ack
    if state.servers[leader].phase == Phase.BROADCAST:
        answer = silent(answer)
    return answer(state, leader, follower)


def nothing_outstanding_is_sent(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader synchronizes a learner without the proposals that are not committed yet."""
    leading = state.servers[leader]
    satisfied = with_server(state, leader, replace(leading, committed=leading.proposed))
    done = zab.leader_syncs_learner(satisfied, leader, follower)
    return changed(done, leader, committed=leading.committed)


_LIVE = partial(Bounds, epochs=3, give_up=True)
_TWO = _LIVE(servers=2, transactions=1, timeouts=1)
_THREE = Bounds(servers=3, transactions=0, timeouts=0, epochs=1, give_up=True)

ZAB_LIVENESS_MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "nobody_is_elected",
        "Votes are counted and no server starts to lead.",
        {zab.server_is_elected: never(zab.server_is_elected)},
        _TWO,
        "leader_gets_established",
    ),
    Mutant(
        "follower_never_notices",
        "A follower waits for ever for a leader that has closed the connection.",
        {zab.follower_notices: never(zab.follower_notices)},
        _TWO,
        "leader_gets_established",
    ),
    Mutant(
        "leader_leads_alone",
        "A leader without followers goes on leading.",
        {zab.leader_gives_up: never(zab.leader_gives_up)},
        _THREE,
        "leader_gets_established",
    ),
    Mutant(
        "leader_never_stops_waiting",
        "A leader waits for ever for acknowledgements of its epoch that cannot come: no initLimit.",
        {zab.leader_stops_waiting: never(zab.leader_stops_waiting)},
        _TWO,
        "leader_gets_established",
    ),
    Mutant(
        "newleader_not_sent",
        "A leader sends its history and no NEWLEADER after it.",
        {zab.leader_sends_newleader: never(zab.leader_sends_newleader)},
        _TWO,
        "leader_gets_established",
    ),
    Mutant(
        "log_not_acknowledged",
        "A server writes its log and acknowledges nothing.",
        {zab.server_syncs_log: silent(zab.server_syncs_log)},
        _TWO,
        "proposal_is_delivered_by_quorum",
    ),
    Mutant(
        "commit_not_sent",
        "A leader delivers and sends no COMMIT.",
        {zab.leader_processes_ack: silent(zab.leader_processes_ack)},
        _TWO,
        "proposal_is_delivered_by_quorum",
    ),
    Mutant(
        "outstanding_not_sent",
        "A learner that reconnects is not sent the outstanding proposals.",
        {zab.leader_syncs_learner: nothing_outstanding_is_sent},
        _TWO,
        "proposal_is_delivered_by_quorum",
    ),
    Mutant(
        "commit_to_acknowledger_only",
        "A leader sends COMMIT only to the follower whose acknowledgement completed the quorum.",
        {zab.leader_processes_ack: silent(zab.leader_processes_ack, second=True)},
        _LIVE(servers=3, transactions=2, timeouts=0),
        "proposal_is_delivered_by_follower",
        begun=True,
    ),
    Mutant(
        "uptodate_only_once",
        "A learner that joins an established leader is never sent UPTODATE.",
        {zab.leader_processes_newleader_ack: newleader_ack_is_answered_once},
        _TWO,
        "proposal_is_delivered_by_follower",
    ),
)
