"""The sentences of the paper's algorithm 3 and of its channels, one test for each, on `zabspec.paper`.

See `test_paper_sentences.py`, which also shows that these sentences can fail.
"""

from __future__ import annotations

import pytest

from paper_stories import (
    ADOPTED,
    CHOSEN,
    CONNECTED,
    ESTABLISHED,
    FIRST,
    FIVE_SERVING,
    LOGGED,
    ONE,
    PROMISED,
    PROPOSED,
    SECOND,
    SERVING,
    THREE,
    TWO,
    WRITTEN,
    F,
    G,
    H,
    L,
    Protocol,
    changed,
    sending,
    under_way,
)
from zabspec import paper
from zabspec.histories import ZERO, Txn, Zxid
from zabspec.paper.state import (
    Ack,
    AckEpoch,
    AckLeader,
    CEpoch,
    Commit,
    CommitLeader,
    NewEpoch,
    NewLeader,
    Propose,
    Role,
    Stage,
)
from zabspec.phases import Phase

# Algorithm 3: broadcast.


def test_l_3_1_a_request_gets_the_next_zxid(zab: Protocol) -> None:
    """l.3.1: upon a request, the leader gives it the zxid (e', c), where c succeeds the counter of every
    transaction that it has broadcast in e', and logs it.

    Departure: D10, sending the proposal is a step of its own.
    """
    for story in (PROPOSED, CHOSEN, ADOPTED):
        zab.refuses(zab.after(story), "leader_accepts_request", L, 7)
    zab.refuses(zab.after(SERVING), "leader_accepts_request", F, 7)
    state = zab.takes(zab.after(SERVING), "leader_accepts_request", L, 7)
    assert state.servers[L].history == (FIRST,)
    assert (state.servers[L].acked[L], state.servers[L].committed) == (1, 0)
    after = zab.takes(state, "leader_accepts_request", L, 8)
    assert after.servers[L].history == (FIRST, SECOND)
    assert after.servers[L].committed == 0
    assert not any(under_way(after, L, sid) for sid in (F, G))


def test_l_3_1_counters_begin_anew_in_each_epoch(zab: Protocol) -> None:
    """l.3.1: the first transaction of an epoch has the counter 1, whatever the initial history ends with."""
    state = changed(paper.initial(3), L, accepted_epoch=1, current_epoch=1, history=(ONE, TWO))
    after = zab.takes(zab.on(state, ESTABLISHED), "leader_accepts_request", L, 0)
    assert after.servers[L].history == (ONE, TWO, THREE)


def test_l_3_1_proposals_go_out_in_order_without_waiting(zab: Protocol) -> None:
    """l.3.1: the leader proposes a transaction to all followers in Q, in the order of zxids; it does not wait
    for one to be acknowledged before it proposes the next.

    A follower is in Q once NEWLEADER was sent to it. Departure: D6.
    """
    state = zab.after(f"{SERVING} leader_accepts_request 0 7; leader_accepts_request 0 8")
    first = zab.takes(state, "leader_sends_proposal", L)
    second = zab.takes(first, "leader_sends_proposal", L)
    assert under_way(second, L, F) == under_way(second, L, G) == (Propose(FIRST), Propose(SECOND))
    zab.refuses(second, "leader_sends_proposal", L)
    zab.refuses(zab.after(SERVING), "leader_sends_proposal", L)
    zab.refuses(second, "leader_sends_proposal", F)
    adopting = zab.after(f"{CHOSEN} follower_processes_newleader 1 0; leader_processes_ackleader 0 1")
    adopting = zab.on(adopting, "leader_accepts_request 0 7")
    after = zab.takes(adopting, "leader_sends_proposal", L)
    assert under_way(after, L, G) == (NewLeader(1, ()), Propose(FIRST))
    joining = zab.after(f"{SERVING} connection_times_out 0 2; server_follows_oracle 2; follower_connects 0 2")
    outside = zab.takes(zab.on(joining, "leader_accepts_request 0 7"), "leader_sends_proposal", L)
    assert under_way(outside, L, G) == ()


def test_f_3_1_a_follower_logs_proposals_in_order_and_acknowledges_each(zab: Protocol) -> None:
    """f.3.1: a follower appends to its history each proposal that it receives, in order, and sends ACK."""
    state = zab.after(f"{LOGGED} leader_accepts_request 0 8; leader_sends_proposal 0")
    first = zab.takes(state, "follower_processes_proposal", F, L)
    assert first.servers[F].history == (FIRST,)
    assert under_way(first, F, L) == (Ack(FIRST.zxid),)
    second = zab.takes(first, "follower_processes_proposal", F, L)
    assert second.servers[F].history == (FIRST, SECOND)
    assert under_way(second, F, L) == (Ack(FIRST.zxid), Ack(SECOND.zxid))
    assert second.servers[F].committed == 0
    zab.refuses(second, "follower_processes_proposal", F, L)
    zab.refuses(sending(state, L, F, Propose(SECOND)), "follower_processes_proposal", F, L)  # a gap
    new_epoch = sending(state, L, F, Propose(Txn(Zxid(2, 2), 0)))
    zab.refuses(new_epoch, "follower_processes_proposal", F, L)  # the first of its epoch has counter 1


def test_f_3_1_a_proposal_is_logged_and_acknowledged_once(zab: Protocol) -> None:
    """f.3.1: a follower accepts a transaction once; one that NEWLEADER has brought already it drops.

    Departure: D6.
    """
    state = zab.after(f"{SERVING} leader_accepts_request 0 7; connection_times_out 0 2")
    state = zab.on(
        state,
        """server_follows_oracle 2; follower_connects 0 2; leader_processes_cepoch 0 2
        follower_processes_newepoch 2 0; leader_processes_ackepoch 0 2; follower_processes_newleader 2 0
        leader_sends_proposal 0""",
    )
    assert under_way(state, L, G) == (Propose(FIRST),)
    after = zab.takes(state, "follower_processes_proposal", G, L)
    assert after.servers[G].history == (FIRST,)
    assert under_way(after, G, L) == (AckLeader(FIRST.zxid),)
    assert under_way(after, L, G) == ()


def test_l_3_2_a_quorum_of_acknowledgements_is_awaited(zab: Protocol) -> None:
    """l.3.2: upon ACK of a transaction from a quorum of followers, the leader sends COMMIT to all followers.

    It delivers the transaction in the same step, and commits it once.
    """
    state = zab.after(FIVE_SERVING, size=5)
    state = zab.on(
        state,
        """leader_accepts_request 0 7; leader_sends_proposal 0; follower_processes_proposal 1 0
        follower_processes_proposal 2 0; follower_processes_proposal 3 0""",
    )
    first = zab.takes(state, "leader_processes_ack", L, F)
    assert (first.servers[L].committed, first.servers[L].acked[F]) == (0, 1)
    assert under_way(first, L, F) == ()
    second = zab.takes(first, "leader_processes_ack", L, G)
    assert second.servers[L].committed == 1
    for sid in (F, G, H):
        assert under_way(second, L, sid) == (Commit(FIRST.zxid),)
    third = zab.takes(second, "leader_processes_ack", L, H)
    assert third.servers[L].committed == 1
    assert under_way(third, L, F) == (Commit(FIRST.zxid),)
    zab.refuses(third, "leader_processes_ack", L, H)


def test_l_3_2_transactions_are_committed_in_order(zab: Protocol) -> None:
    """l.3.2: a transaction is committed after all those with lower zxids.

    A follower acknowledges in order, and so an ACK that skips one is not taken.
    """
    state = zab.after(f"{LOGGED} leader_accepts_request 0 8; leader_sends_proposal 0")
    state = zab.on(state, "follower_processes_proposal 1 0; follower_processes_proposal 1 0")
    skipping = sending(state, F, L, Ack(SECOND.zxid))
    zab.refuses(skipping, "leader_processes_ack", L, F)
    first = zab.takes(state, "leader_processes_ack", L, F)
    second = zab.takes(first, "leader_processes_ack", L, F)
    assert (first.servers[L].committed, second.servers[L].committed) == (1, 2)
    assert under_way(second, L, F) == (Commit(FIRST.zxid), Commit(SECOND.zxid))
    # With five servers, the second may have its quorum of acknowledgements before the first is committed.
    wide = zab.on(zab.after(FIVE_SERVING, size=5), "leader_accepts_request 0 7; leader_accepts_request 0 8")
    wide = zab.on(wide, "leader_sends_proposal 0; leader_sends_proposal 0")
    wide = changed(wide, L, acked=wide.servers[L].acked.put(F, 2).put(G, 1))
    after = zab.takes(sending(wide, G, L, Ack(SECOND.zxid)), "leader_processes_ack", L, G)
    assert after.servers[L].committed == 0
    assert under_way(after, L, F)[-1:] == (Propose(SECOND),)


def test_l_3_2_an_acknowledgement_of_newleader_counts_for_what_it_holds(zab: Protocol) -> None:
    """l.3.2: a transaction that a quorum has accepted is committed, also where a follower has accepted it
    with NEWLEADER and never sends an ACK of it.

    Not before it was proposed: its COMMIT must not come before its PROPOSE. Departure: D22.
    """
    joining = """server_follows_oracle 2; follower_connects 0 2; leader_processes_cepoch 0 2
        follower_processes_newepoch 2 0; leader_processes_ackepoch 0 2; follower_processes_newleader 2 0"""
    state = zab.after(f"{SERVING} leader_accepts_request 0 7; connection_times_out 0 2; {joining}")
    zab.refuses(zab.on(state, "leader_sends_proposal 0"), "leader_commits_proposal", L)  # it alone has it
    state = zab.on(state, "leader_processes_ackleader 0 2")
    zab.refuses(state, "leader_commits_proposal", L)  # is not proposed yet
    state = zab.on(state, "leader_sends_proposal 0")
    after = zab.takes(state, "leader_commits_proposal", L)
    assert after.servers[L].committed == 1
    assert under_way(after, L, F)[-1:] == under_way(after, L, G)[-1:] == (Commit(FIRST.zxid),)
    zab.refuses(after, "leader_commits_proposal", L)
    zab.refuses(changed(state, L, phase=Phase.SYNCHRONIZATION), "leader_commits_proposal", L)


def test_f_3_2_a_follower_delivers_in_order(zab: Protocol) -> None:
    """f.3.2: a follower delivers a transaction when its COMMIT has come and all transactions with lower zxids
    are delivered."""
    state = zab.after(f"{WRITTEN} leader_accepts_request 0 8; leader_sends_proposal 0")
    state = zab.on(state, "follower_processes_proposal 1 0")
    skipping = sending(state, L, F, Commit(SECOND.zxid))
    zab.refuses(skipping, "follower_processes_commit", F, L)
    committed = sending(state, L, F, Commit(FIRST.zxid), Commit(SECOND.zxid))
    first = zab.takes(committed, "follower_processes_commit", F, L)
    assert first.servers[F].committed == 1
    second = zab.takes(first, "follower_processes_commit", F, L)
    assert second.servers[F].committed == 2
    zab.refuses(second, "follower_processes_commit", F, L)
    again = sending(second, L, F, Commit(SECOND.zxid))
    zab.refuses(again, "follower_processes_commit", F, L)
    unknown = sending(second, L, F, Commit(Zxid(1, 3)))
    zab.refuses(unknown, "follower_processes_commit", F, L)


# Section II: channels.

TO_LEADER = {
    "leader_processes_cepoch": (CONNECTED, CEpoch(0)),
    "leader_processes_ackepoch": (PROMISED, AckEpoch(0, ())),
    "leader_processes_ackleader": (ADOPTED, AckLeader(ZERO)),
    "leader_processes_ack": (WRITTEN, Ack(FIRST.zxid)),
}
TO_FOLLOWER = {
    "follower_processes_newepoch": (PROPOSED, NewEpoch(1)),
    "follower_processes_newleader": (CHOSEN, NewLeader(1, ())),
    "follower_processes_commitleader": (ESTABLISHED, CommitLeader(ZERO)),
    "follower_processes_proposal": (LOGGED, Propose(FIRST)),
    "follower_processes_commit": (f"{WRITTEN} leader_processes_ack 0 1", Commit(FIRST.zxid)),
}


@pytest.mark.parametrize("action", TO_LEADER)
def test_section_ii_a_leader_receives_in_order_from_those_that_are_connected(
    zab: Protocol, action: str
) -> None:
    """Section II: a channel between two processes is reliable and first-in-first-out for as long as they are
    connected; a leader takes the oldest message, of the kind that an action is for, from its followers."""
    story, message = TO_LEADER[action]
    state = zab.after(story)
    assert under_way(state, F, L)[:1] == (message,)
    zab.takes(state, action, L, F)
    zab.refuses(sending(state, F, L), action, L, F)
    zab.refuses(sending(state, F, L, Commit(ZERO), message), action, L, F)
    stages = state.servers[L].stages
    zab.refuses(changed(state, L, stages=stages.put(F, Stage.ABSENT)), action, L, F)
    zab.refuses(changed(state, L, role=Role.FOLLOWING), action, L, F)
    zab.refuses(sending(state, F, G, message), action, G, F)


@pytest.mark.parametrize("action", TO_FOLLOWER)
def test_section_ii_a_follower_receives_in_order_from_its_leader(zab: Protocol, action: str) -> None:
    """Section II: a follower takes the oldest message, of the kind that an action is for, from its leader."""
    story, message = TO_FOLLOWER[action]
    state = zab.after(story)
    assert under_way(state, L, F)[:1] == (message,)
    zab.takes(state, action, F, L)
    zab.refuses(sending(state, L, F), action, F, L)
    zab.refuses(sending(state, L, F, CEpoch(0), message), action, F, L)
    zab.refuses(changed(state, F, leader=None), action, F, L)
    zab.refuses(changed(state, F, role=Role.LOOKING), action, F, L)
    zab.refuses(sending(state, G, F, message), action, F, G)
