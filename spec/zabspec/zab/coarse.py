"""Phase 2 in one step: a learner adopts its leader's history, up to its acknowledgement of NEWLEADER.

This makes the rest cheaper to explore. The step consists of the steps of `zabspec.zab.synchronization`, one
after the other with nothing in between, so they lead to every state that it leads to.
"""

from __future__ import annotations

from zabspec.parts import Sid
from zabspec.zab.state import State
from zabspec.zab.synchronization import (
    follower_acknowledges_newleader,
    follower_notes_commit,
    follower_persists_epoch,
    follower_persists_history,
    follower_queues_proposal,
    follower_starts_sync,
    leader_sends_newleader,
    leader_syncs_learner,
)

REPLACED = (
    leader_syncs_learner,
    leader_sends_newleader,
    follower_starts_sync,
    follower_persists_history,
    follower_persists_epoch,
    follower_acknowledges_newleader,
)
"""The actions that the one step replaces."""


def learner_adopts_history(state: State, leader: Sid, follower: Sid) -> State | None:
    """A leader and a learner complete synchronization, and the learner acknowledges NEWLEADER.

    Paper: l.2.1 and f.2.1, which is one step there too.
    ZooKeeper: LearnerHandler.syncFollower, Learner.syncWithLeader up to UPTODATE.
    """
    if state.servers[follower].leader != leader:
        return None
    sending = leader_syncs_learner(state, leader, follower)
    telling = None if sending is None else leader_sends_newleader(sending, leader, follower)
    if telling is None:
        return None
    starting = follower_starts_sync(telling, follower, leader)
    if starting is None:
        return None
    return _acknowledged(starting, follower, leader)


def _acknowledged(state: State, follower: Sid, leader: Sid) -> State | None:
    """Returns the state after a follower processed everything up to NEWLEADER and acknowledged it."""
    steps = (
        follower_queues_proposal,
        follower_notes_commit,
        follower_persists_history,
        follower_persists_epoch,
    )
    while True:
        after = next((found for step in steps if (found := step(state, follower, leader)) is not None), None)
        if after is None:
            return follower_acknowledges_newleader(state, follower, leader)
        state = after
