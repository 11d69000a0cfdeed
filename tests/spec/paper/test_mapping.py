from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from zabcheck.models.paper.refinement import refines_broadcast
from zabspec import broadcast, paper
from zabspec.histories import Txn, Zxid
from zabspec.paper.mapping import abstract, combined, shares
from zabspec.parts import replace

Call = tuple[str, tuple[int, ...]]

FIRST = Txn(Zxid(1, 1), 0)

# The comment before a story says what its servers do. Each word stands for an action: see `calls`.
WORDS = {
    "becomes": "server_becomes_oracle_choice",
    "follows": "server_follows_oracle",
    "connects": "follower_connects",
    "cepoch": "leader_processes_cepoch",
    "newepoch": "follower_processes_newepoch",
    "ackepoch": "leader_processes_ackepoch",
    "newleader": "follower_processes_newleader",
    "ackleader": "leader_processes_ackleader",
    "commitleader": "follower_processes_commitleader",
    "request": "leader_accepts_request",
    "propose": "leader_sends_proposal",
    "proposal": "follower_processes_proposal",
    "ack": "leader_processes_ack",
    "commit": "follower_processes_commit",
    "timeout": "connection_times_out",
    "restart": "server_restarts",
}

ESTABLISHED = """
    becomes 0; follows 1; connects 0 1; cepoch 0 1; newepoch 1 0; ackepoch 0 1; newleader 1 0
    ackleader 0 1; commitleader 1 0
"""
LOGGED = ESTABLISHED + "request 0 0; propose 0; proposal 1 0"
DELIVERED = LOGGED + "; ack 0 1; commit 1 0"


def calls(story: str) -> Iterator[Call]:
    for line in story.replace("\n", ";").split(";"):
        if line.strip():
            word, *arguments = line.split()
            yield WORDS[word], tuple(map(int, arguments))


def told(story: str, size: int) -> list[paper.State]:
    states = [paper.initial(size)]
    for name, arguments in calls(story):
        after = getattr(paper, name)(states[-1], *arguments)
        assert after is not None, f"{name}{arguments} is not enabled"
        states.append(after)
    return states


def test_nothing_has_happened() -> None:
    assert abstract(paper.initial(3)) == broadcast.initial(3)


def test_a_transaction_of_the_leader_alone_is_outstanding() -> None:
    goal = abstract(told(ESTABLISHED + "request 0 0", 3)[-1])
    assert goal.log == ()
    assert goal.outstanding == {FIRST}
    assert goal.epoch == 1
    assert tuple(goal.primaries) == (1, 0, 0)


def test_a_transaction_that_a_quorum_has_logged_is_in_the_log_before_anyone_delivers_it() -> None:
    goal = abstract(told(LOGGED, 3)[-1])
    assert goal.log == (FIRST,)
    assert goal.outstanding == frozenset()
    assert tuple(goal.delivered) == ((), (), ())


def test_the_log_outlives_everyone_who_has_delivered_it() -> None:
    goal = abstract(told(DELIVERED + "; restart 1; restart 0", 3)[-1])
    assert goal.log == (FIRST,)
    assert tuple(goal.delivered) == ((), (), ())
    assert tuple(goal.primaries) == (0, 0, 0)


def test_every_step_of_a_run_is_one_of_atomic_broadcast() -> None:
    states = told(DELIVERED + "; restart 1; restart 0", 3)
    seen = {abstract(state) for state in states}
    assert len(seen) == 9  # nothing, epoch 1, its primary, broadcast, logged, two deliver, two restart
    assert all(refines_broadcast(*step) for step in pairwise(states))


# Server 0 leads 1 and 2 in epoch 1; only 0 and 1 log its transaction. Twice more it proposes an epoch in
# vain. Then 3 leads 4 and 2 in discovery of epoch 2, which 1 refuses; 4 has sent its ACK-E and leaves. With 1
# and 4, server 0 starts epoch 4, and 4 adopts its history. The ACK-E of 2 is still in flight to 3.
TWO_IN_DISCOVERY = """
    becomes 0; follows 1; follows 2; connects 0 1; connects 0 2; cepoch 0 1; cepoch 0 2
    newepoch 1 0; newepoch 2 0; ackepoch 0 1; ackepoch 0 2; newleader 1 0; newleader 2 0
    ackleader 0 1; ackleader 0 2; commitleader 1 0; commitleader 2 0
    request 0 0; propose 0; proposal 1 0; timeout 0 2
    follows 0; follows 1; follows 2; connects 0 1; connects 0 2; cepoch 0 1; cepoch 0 2; timeout 0 1
    follows 0; follows 1; follows 2; connects 0 1; connects 0 2; cepoch 0 1; cepoch 0 2
    newepoch 1 0; timeout 0 2
    becomes 3; follows 2; follows 4; connects 3 4; connects 3 2; cepoch 3 4; cepoch 3 2
    newepoch 4 3; ackepoch 3 4; newepoch 2 3; follows 1; connects 3 1; timeout 3 4; cepoch 3 1; newepoch 1 3
    becomes 0; follows 1; follows 4; connects 0 1; connects 0 4; cepoch 0 1; cepoch 0 4
    newepoch 4 0; ackepoch 0 4; newepoch 1 0; ackepoch 0 1; newleader 4 0
"""


def test_what_a_leader_in_discovery_may_still_choose_counts() -> None:
    states = told(TWO_IN_DISCOVERY + "ackepoch 3 2; newleader 1 0", 5)
    assert all(refines_broadcast(*step) for step in pairwise(states))
    before, chosen, adopted = (abstract(state).log for state in states[-3:])
    assert (before, chosen, adopted) == ((), (), (FIRST,))


def test_without_prospects_the_log_would_shrink() -> None:
    before, after = told(TWO_IN_DISCOVERY + "ackepoch 3 2", 5)[-2:]

    def shortsighted(state: paper.State) -> broadcast.State:
        return combined(tuple(replace(share, prospects=share.prospects[:1]) for share in shares(state)))

    assert shortsighted(before).log == (FIRST,)
    assert shortsighted(after).log == ()
