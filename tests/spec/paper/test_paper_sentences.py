"""The sentences of the paper's algorithms, one test for each, on `zabspec.paper`.

Paper: Junqueira, Reed, Serafini, DSN 2011, section IV: phase 0 as an oracle, algorithms 1 to 3 with their
step numbers, and what the text says of going back to phase 0. Each test states its sentence in its
docstring, drives the spec by hand into the situation that the sentence speaks of, and shows when the action
is enabled, when it is not, and what it does. Where the spec departs from the sentence, the test cites the
entry in docs/deviations.md.

The tests get the actions through `Protocol`. So the same tests run with an action that has a mistake, and
the last tests show that each action is tried and that each mistake in the catalogue of mutants is noticed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from zabcheck.models.mutant import Mutant, apply
from zabcheck.models.paper.mutants import MUTANTS
from zabspec import paper
from zabspec.histories import ZERO, Txn, Zxid
from zabspec.paper.network import with_channel, with_server
from zabspec.paper.state import (
    Ack,
    AckEpoch,
    AckLeader,
    CEpoch,
    Commit,
    CommitLeader,
    Message,
    NewEpoch,
    NewLeader,
    Propose,
    Role,
    Server,
    Stage,
    State,
)
from zabspec.parts import Queue, Sid, replace
from zabspec.phases import Phase

L, F, G, H, K = (Sid(sid) for sid in range(5))
"""A leader and up to four followers, as the stories below have them."""


class Protocol:
    """The actions of the paper's ZAB, or of a mutant of it, and a note of what was asked of each.

    Attributes:
        taken: the names of the actions that a test has seen enabled.
        refused: the names of the actions that a test has seen not enabled.
    """

    def __init__(self, actions: Sequence[Callable[..., State | None]] = paper.NEXT) -> None:
        self._actions = {action.__name__: action for action in actions}
        self.taken: set[str] = set()
        self.refused: set[str] = set()

    def takes(self, state: State, action: str, *arguments: int) -> State:
        """Returns the state after an action, which must be enabled."""
        after = self._actions[action](state, *arguments)
        assert after is not None, f"{action}{arguments} is not enabled"
        self.taken.add(action)
        return after

    def refuses(self, state: State, action: str, *arguments: int) -> None:
        """Checks that an action is not enabled."""
        assert self._actions[action](state, *arguments) is None, f"{action}{arguments} is enabled"
        self.refused.add(action)

    def after(self, story: str, size: int = 3) -> State:
        """Returns the state that a story leads to: actions with their arguments, one after the other."""
        return self.on(paper.initial(size), story)

    def on(self, state: State, story: str) -> State:
        """Returns the state that a story leads to from another state."""
        for step in story.replace("\n", ";").split(";"):
            if step.strip():
                action, *arguments = step.split()
                after = self._actions[action](state, *map(int, arguments))
                assert after is not None, f"{step.strip()} is not enabled"
                state = after
        return state


@pytest.fixture
def zab() -> Protocol:
    return Protocol()


# Stories: server 0 leads, unless they say otherwise.

NAMED = "server_becomes_oracle_choice 0;"
FOLLOWED = f"{NAMED} server_follows_oracle 1; server_follows_oracle 2;"
CONNECTED = f"{FOLLOWED} follower_connects 0 1; follower_connects 0 2;"
PROPOSED = f"{CONNECTED} leader_processes_cepoch 0 1; leader_processes_cepoch 0 2;"
PROMISED = f"{PROPOSED} follower_processes_newepoch 1 0; follower_processes_newepoch 2 0;"
CHOSEN = f"{PROMISED} leader_processes_ackepoch 0 1; leader_processes_ackepoch 0 2;"
ADOPTED = f"{CHOSEN} follower_processes_newleader 1 0; follower_processes_newleader 2 0;"
ESTABLISHED = f"{ADOPTED} leader_processes_ackleader 0 1; leader_processes_ackleader 0 2;"
SERVING = f"{ESTABLISHED} follower_processes_commitleader 1 0; follower_processes_commitleader 2 0;"
LOGGED = f"{SERVING} leader_accepts_request 0 7; leader_sends_proposal 0;"
WRITTEN = f"{LOGGED} follower_processes_proposal 1 0; follower_processes_proposal 2 0;"
DELIVERED = f"{WRITTEN} leader_processes_ack 0 1; follower_processes_commit 1 0;"

# With five servers, a leader and one follower are no quorum; with two followers they are.
FIVE = """
    server_becomes_oracle_choice 0; server_follows_oracle 1; server_follows_oracle 2; server_follows_oracle 3
    follower_connects 0 1; follower_connects 0 2; follower_connects 0 3;
"""
FIVE_PROPOSED = f"""{FIVE} leader_processes_cepoch 0 1; leader_processes_cepoch 0 2
    leader_processes_cepoch 0 3;
"""
FIVE_PROMISED = f"""{FIVE_PROPOSED} follower_processes_newepoch 1 0; follower_processes_newepoch 2 0
    follower_processes_newepoch 3 0;
"""
FIVE_CHOSEN = f"""{FIVE_PROMISED} leader_processes_ackepoch 0 1; leader_processes_ackepoch 0 2
    leader_processes_ackepoch 0 3;
"""
FIVE_ADOPTED = f"""{FIVE_CHOSEN} follower_processes_newleader 1 0; follower_processes_newleader 2 0
    follower_processes_newleader 3 0;
"""
FIVE_SERVING = f"""{FIVE_ADOPTED} leader_processes_ackleader 0 1; leader_processes_ackleader 0 2
    leader_processes_ackleader 0 3; follower_processes_commitleader 1 0; follower_processes_commitleader 2 0
    follower_processes_commitleader 3 0;
"""

FIRST, SECOND = Txn(Zxid(1, 1), 7), Txn(Zxid(1, 2), 8)
ONE, TWO, THREE = Txn(Zxid(1, 1), 0), Txn(Zxid(1, 2), 0), Txn(Zxid(2, 1), 0)


def changed(state: State, server: Sid, **changes: Any) -> State:
    """The state with some fields of a server set by hand."""
    return with_server(state, server, replace(state.servers[server], **changes))


def sending(state: State, sender: Sid, receiver: Sid, *messages: Message) -> State:
    """The state with nothing but these messages under way from one server to another."""
    return with_channel(state, sender, receiver, Queue(messages))


def under_way(state: State, sender: Sid, receiver: Sid) -> tuple[Message, ...]:
    """The messages under way from one server to another, the oldest first."""
    return tuple(state.network[sender][receiver])


def is_in_phase_0(server: Server) -> bool:
    """True if a server looks for a leader and is connected to nobody."""
    return (server.role, server.phase, server.leader) == (Role.LOOKING, Phase.ELECTION, None)


# Phase 0, and when a process goes back to it.


def test_phase_0_the_oracle_names_a_process_that_becomes_the_prospective_leader(zab: Protocol) -> None:
    """Phase 0: a process that the leader oracle names becomes the prospective leader and starts phase 1.

    Its own promise, history and acknowledgement count from the beginning. Departures: D1, D2.
    """
    state = zab.takes(paper.initial(3), "server_becomes_oracle_choice", L)
    leading = state.servers[L]
    assert (state.oracle, leading.role, leading.phase) == (L, Role.LEADING, Phase.DISCOVERY)
    assert leading.promised == leading.confirmed == leading.synced == {L}
    assert all(is_in_phase_0(state.servers[sid]) for sid in (F, G))
    zab.refuses(state, "server_becomes_oracle_choice", L)
    following = zab.on(state, "server_follows_oracle 1")
    zab.refuses(following, "server_becomes_oracle_choice", F)
    renamed = zab.takes(following, "server_becomes_oracle_choice", G)
    assert renamed.oracle == G
    zab.refuses(changed(renamed, G, role=Role.LOOKING), "server_becomes_oracle_choice", G)


def test_phase_0_a_process_follows_whom_the_oracle_names(zab: Protocol) -> None:
    """Phase 0: a process that the oracle names leads; every other process follows the one named."""
    zab.refuses(paper.initial(3), "server_follows_oracle", F)
    state = zab.takes(zab.after(NAMED), "server_follows_oracle", F)
    following = state.servers[F]
    assert (following.role, following.phase, following.leader) == (Role.FOLLOWING, Phase.DISCOVERY, None)
    zab.refuses(state, "server_follows_oracle", F)
    zab.refuses(state, "server_follows_oracle", L)
    restarted = zab.on(state, "server_restarts 0")
    assert restarted.oracle == L
    leading = zab.takes(restarted, "server_follows_oracle", L).servers[L]
    assert (leading.role, leading.phase) == (Role.LEADING, Phase.DISCOVERY)


def test_phase_0_a_leader_without_a_quorum_of_followers_goes_back_to_it(zab: Protocol) -> None:
    """A leader that does not hear from a quorum of followers within a timeout abandons its leadership and
    goes back to phase 0.

    Its learners go back with it. Departures: D8, D18.
    """
    zab.refuses(paper.initial(3), "leader_gives_up", L)
    for story in (CONNECTED, SERVING, f"{FOLLOWED} follower_connects 0 1"):
        zab.refuses(zab.after(story), "leader_gives_up", L)
    state = zab.after(f"{FIVE} connection_times_out 0 3", size=5)
    zab.refuses(state, "leader_gives_up", L)
    alone = zab.takes(zab.after(FOLLOWED), "leader_gives_up", L)
    assert is_in_phase_0(alone.servers[L])
    assert not alone.servers[L].promised
    assert alone.servers[F].role == Role.FOLLOWING  # is connected to nobody yet
    few = zab.after("server_becomes_oracle_choice 0; server_follows_oracle 1; follower_connects 0 1", size=5)
    after = zab.takes(few, "leader_gives_up", L)
    assert is_in_phase_0(after.servers[L])
    assert is_in_phase_0(after.servers[F])
    assert (under_way(few, F, L), under_way(after, F, L)) == ((CEpoch(0),), ())


def test_phase_0_a_follower_that_finds_no_leader_goes_back_to_it(zab: Protocol) -> None:
    """A process that follows goes back to phase 0 when the process that it is to follow does not lead.

    Departure: D18.
    """
    state = zab.after(FOLLOWED)
    zab.refuses(state, "follower_gives_up", F)
    zab.refuses(state, "follower_gives_up", L)
    gone = zab.on(state, "leader_gives_up 0")
    after = zab.takes(gone, "follower_gives_up", F)
    assert is_in_phase_0(after.servers[F])
    assert after.servers[G] == gone.servers[G]
    zab.refuses(after, "follower_gives_up", F)
    zab.refuses(zab.after(CONNECTED), "follower_gives_up", F)


def test_phase_0_both_ends_of_a_lost_connection_notice(zab: Protocol) -> None:
    """A follower that hears nothing from its leader within a timeout goes back to phase 0; a leader with a
    quorum of followers left leads on.

    What was under way between the two is lost. Departure: D8.
    """
    state = zab.after(CONNECTED)
    after = zab.takes(state, "connection_times_out", L, F)
    assert is_in_phase_0(after.servers[F])
    assert after.servers[L].role == Role.LEADING
    assert after.servers[L].stages[F] == Stage.ABSENT
    assert under_way(after, F, L) == under_way(after, L, F) == ()
    assert under_way(after, G, L) == (CEpoch(0),)
    zab.refuses(after, "connection_times_out", L, F)
    zab.refuses(state, "connection_times_out", F, L)


def test_phase_0_a_leader_that_loses_its_quorum_abandons_all_its_followers(zab: Protocol) -> None:
    """A leader that loses the support of a quorum goes back to phase 0, and so do all that follow it."""
    state = zab.after(f"{LOGGED} connection_times_out 0 1")
    assert state.servers[L].role == Role.LEADING
    assert under_way(state, L, G) == (Propose(FIRST),)
    after = zab.takes(state, "connection_times_out", L, G)
    assert all(is_in_phase_0(server) for server in after.servers)
    assert not any(under_way(after, one, other) for one in (L, F, G) for other in (L, F, G))


def test_phase_0_a_process_that_recovers_has_what_it_wrote(zab: Protocol) -> None:
    """Section II and IV: a process that crashes recovers with its last promise f.p, its current epoch f.a and
    its history h_f, and starts in phase 0.

    What it had delivered it delivers again. Departure: D9.
    """
    state = zab.after(DELIVERED)
    before = state.servers[F]
    assert (before.accepted_epoch, before.current_epoch, before.history) == (1, 1, (FIRST,))
    assert before.committed == 1
    after = zab.takes(state, "server_restarts", F)
    back = after.servers[F]
    assert is_in_phase_0(back)
    assert (back.accepted_epoch, back.current_epoch, back.history) == (1, 1, (FIRST,))
    assert back.committed == 0
    assert after.servers[L].role == Role.LEADING
    assert under_way(after, L, F) == ()
    logged = zab.takes(zab.after(WRITTEN), "server_restarts", F).servers[F]
    assert logged.history == (FIRST,)


def test_phase_0_a_leader_that_crashes_takes_its_followers_back_to_it(zab: Protocol) -> None:
    """A follower whose leader has crashed hears nothing from it and goes back to phase 0."""
    after = zab.takes(zab.after(SERVING), "server_restarts", L)
    assert all(is_in_phase_0(server) for server in after.servers)
    assert not after.servers[L].promised
    alone = zab.takes(zab.after(FOLLOWED), "server_restarts", F)  # connected to nobody
    assert is_in_phase_0(alone.servers[F])


# Algorithm 1: discovery.


def test_f_1_1_a_follower_sends_its_last_promise_to_the_prospective_leader(zab: Protocol) -> None:
    """f.1.1: a follower sends the prospective leader its last promise, CEPOCH(f.p)."""
    state = changed(zab.after(FOLLOWED), F, accepted_epoch=4)
    after = zab.takes(state, "follower_connects", L, F)
    assert under_way(after, F, L) == (CEpoch(4),)
    assert after.servers[F].leader == L
    assert after.servers[L].stages[F] == Stage.CONNECTED
    zab.refuses(after, "follower_connects", L, F)  # connected already
    zab.refuses(state, "follower_connects", G, F)  # not whom the oracle names
    zab.refuses(zab.after(NAMED), "follower_connects", L, F)  # still looks
    zab.refuses(zab.after(f"{FOLLOWED} leader_gives_up 0"), "follower_connects", L, F)  # leads no more
    zab.refuses(replace(state, oracle=G), "follower_connects", L, F)


def test_l_1_1_a_quorum_of_promises_is_awaited(zab: Protocol) -> None:
    """l.1.1: the prospective leader proposes an epoch upon CEPOCH messages from a quorum, not before."""
    first = zab.takes(zab.after(FIVE, size=5), "leader_processes_cepoch", L, F)
    assert first.servers[L].promised == {L, F}
    assert first.servers[L].accepted_epoch == 0
    assert under_way(first, F, L) == under_way(first, L, F) == ()
    second = zab.takes(first, "leader_processes_cepoch", L, G)
    assert second.servers[L].accepted_epoch == 1
    assert under_way(second, L, F) == under_way(second, L, G) == (NewEpoch(1),)
    assert under_way(second, L, H) == ()  # no CEPOCH from it yet
    zab.refuses(second, "leader_processes_cepoch", L, F)
    zab.refuses(second, "leader_processes_cepoch", L, K)


@pytest.mark.parametrize("promises", [(0, 3, 7), (0, 7, 3), (9, 3, 7)])
def test_l_1_1_the_epoch_is_later_than_every_promise(zab: Protocol, promises: tuple[int, int, int]) -> None:
    """l.1.1: the epoch e' of NEWEPOCH(e') is later than any e received in CEPOCH(e).

    Departures: D2, the leader's own promise counts; D3, it is one more than the highest.
    """
    state = paper.initial(5)
    for sid, promise in zip((L, F, G), promises, strict=True):
        state = changed(state, sid, accepted_epoch=promise)
    state = zab.on(state, f"{FIVE} leader_processes_cepoch 0 1")
    assert state.servers[L].accepted_epoch == promises[0]
    after = zab.takes(state, "leader_processes_cepoch", L, G)
    assert after.servers[L].accepted_epoch == max(promises) + 1
    assert under_way(after, L, F) == under_way(after, L, G) == (NewEpoch(max(promises) + 1),)


def test_l_3_3_a_promise_that_comes_late_is_answered_with_the_same_epoch(zab: Protocol) -> None:
    """l.3.3: upon CEPOCH from a follower after the epoch is proposed, the leader sends it NEWEPOCH(e').

    Departure: D5, NEWLEADER follows when the ACK-E has come.
    """
    for story in (CONNECTED + "leader_processes_cepoch 0 1", SERVING + "connection_times_out 0 2"):
        state = zab.after(story)
        if state.servers[G].role == Role.LOOKING:
            state = zab.on(state, "server_follows_oracle 2; follower_connects 0 2")
        before = under_way(state, L, F)
        after = zab.takes(state, "leader_processes_cepoch", L, G)
        assert under_way(after, L, G) == (NewEpoch(1),)
        assert under_way(after, L, F) == before
        assert after.servers[L].accepted_epoch == 1


def test_f_1_2_a_follower_promises_a_later_epoch(zab: Protocol) -> None:
    """f.1.2: upon NEWEPOCH(e') with f.p < e', a follower sets f.p to e', sends ACK-E(f.a, h_f), and goes to
    phase 2."""
    state = changed(zab.after(PROPOSED), F, current_epoch=0, history=(ONE,))
    after = zab.takes(state, "follower_processes_newepoch", F, L)
    promising = after.servers[F]
    assert (promising.accepted_epoch, promising.phase) == (1, Phase.SYNCHRONIZATION)
    assert (promising.current_epoch, promising.history) == (0, (ONE,))
    assert under_way(after, F, L) == (AckEpoch(0, (ONE,)),)
    assert under_way(after, L, F) == ()
    zab.refuses(after, "follower_processes_newepoch", F, L)  # nothing more has come
    early = changed(state, F, phase=Phase.SYNCHRONIZATION)
    zab.refuses(early, "follower_processes_newepoch", F, L)


def test_f_1_2_a_follower_keeps_a_later_promise(zab: Protocol) -> None:
    """f.1.2: a follower that has promised a later epoch than e' does not promise e'.

    It goes back to phase 0.
    """
    state = changed(zab.after(PROPOSED), F, accepted_epoch=2)
    after = zab.takes(state, "follower_processes_newepoch", F, L)
    assert after.servers[F].accepted_epoch == 2
    assert is_in_phase_0(after.servers[F])
    assert under_way(after, F, L) == ()
    assert after.servers[L].stages[F] == Stage.ABSENT


def test_f_1_2_an_epoch_may_be_promised_again(zab: Protocol) -> None:
    """f.1.2, where f.p = e': a follower that comes back to the leader of its promise acknowledges it again.

    Departure: D4.
    """
    state = zab.after(f"{PROMISED} connection_times_out 0 2")
    state = zab.on(state, "server_follows_oracle 2; follower_connects 0 2; leader_processes_cepoch 0 2")
    assert under_way(state, L, G) == (NewEpoch(1),)
    after = zab.takes(state, "follower_processes_newepoch", G, L)
    assert after.servers[G].accepted_epoch == 1
    assert under_way(after, G, L) == (AckEpoch(0, ()),)


def test_l_1_2_a_quorum_of_histories_is_awaited(zab: Protocol) -> None:
    """l.1.2: the leader selects an initial history upon ACK-E from each follower in a quorum, not before."""
    state = zab.after(FIVE_PROMISED, size=5)
    first = zab.takes(state, "leader_processes_ackepoch", L, F)
    assert (first.servers[L].phase, first.servers[L].current_epoch) == (Phase.DISCOVERY, 0)
    assert first.servers[L].confirmed == {L, F}
    assert under_way(first, L, F) == ()
    second = zab.takes(first, "leader_processes_ackepoch", L, G)
    assert (second.servers[L].phase, second.servers[L].current_epoch) == (Phase.SYNCHRONIZATION, 1)
    zab.refuses(second, "leader_processes_ackepoch", L, G)
    zab.refuses(changed(state, L, role=Role.LOOKING), "leader_processes_ackepoch", L, F)


@pytest.mark.parametrize(
    ("mine", "other", "chosen"),
    [
        ((0, ()), (1, (ONE,)), (ONE,)),
        ((1, (ONE,)), (0, ()), (ONE,)),
        ((1, (ONE, TWO)), (2, (ONE,)), (ONE,)),
        ((2, (ONE,)), (1, (ONE, TWO)), (ONE,)),
        ((1, (ONE,)), (1, (ONE, TWO)), (ONE, TWO)),
        ((1, (ONE, TWO)), (1, (ONE,)), (ONE, TWO)),
        ((1, (ONE, TWO)), (2, (ONE, THREE)), (ONE, THREE)),
    ],
)
def test_l_1_2_the_most_recent_history_is_selected(
    zab: Protocol,
    mine: tuple[int, tuple[Txn, ...]],
    other: tuple[int, tuple[Txn, ...]],
    chosen: tuple[Txn, ...],
) -> None:
    """l.1.2: the initial history is that of a process in the quorum with the highest f.a and, among
    those with this f.a, the highest last zxid."""
    state = paper.initial(3)
    for sid, (epoch, history) in ((L, mine), (F, other)):
        state = changed(state, sid, accepted_epoch=2, current_epoch=epoch, history=history)
    state = zab.on(state, PROMISED)
    after = zab.takes(state, "leader_processes_ackepoch", L, F)
    assert after.servers[L].history == chosen
    assert under_way(after, L, F)[-1:] == (NewLeader(3, chosen),)


# Algorithm 2: synchronization.


def test_l_2_1_the_initial_history_is_proposed_to_the_quorum(zab: Protocol) -> None:
    """l.2.1: the leader sends NEWLEADER(e', I_e') to the followers of the quorum, whose ACK-E it has.

    It takes up the epoch and the history itself. Departure: D2.
    """
    state = changed(paper.initial(5), F, history=(ONE,))
    state = zab.on(state, f"{FIVE_PROMISED} leader_processes_ackepoch 0 1")
    after = zab.takes(state, "leader_processes_ackepoch", L, G)
    assert under_way(after, L, F) == under_way(after, L, G) == (NewLeader(1, (ONE,)),)
    assert under_way(after, L, H) == ()
    leading = after.servers[L]
    assert (leading.current_epoch, leading.history, leading.committed) == (1, (ONE,), 0)
    assert leading.acked[L] == 1


def test_l_3_3_a_history_that_comes_late_is_answered_with_all_there_is(zab: Protocol) -> None:
    """l.3.3: to a follower that joins after the initial history is selected, the leader sends NEWLEADER with
    that history and what it has proposed after it."""
    state = zab.after(f"{DELIVERED} leader_accepts_request 0 8; connection_times_out 0 2")
    state = zab.on(
        state,
        """server_follows_oracle 2; follower_connects 0 2; leader_processes_cepoch 0 2
        follower_processes_newepoch 2 0""",
    )
    after = zab.takes(state, "leader_processes_ackepoch", L, G)
    assert under_way(after, L, G) == (NewLeader(1, (FIRST, SECOND)),)
    assert under_way(after, L, F) == under_way(state, L, F)
    assert after.servers[L].history == state.servers[L].history


def test_f_2_1_a_follower_adopts_epoch_and_history_at_once(zab: Protocol) -> None:
    """f.2.1: upon NEWLEADER(e', I) with f.p = e', a follower atomically sets f.a to e' and h_f to I, and
    sends ACK-LD."""
    state = sending(zab.after(CHOSEN), L, F, NewLeader(1, (ONE, TWO)))
    for history in ((), (ONE,), (ONE, TWO, Txn(Zxid(1, 3), 0))):
        before = changed(state, F, history=history)
        after = zab.takes(before, "follower_processes_newleader", F, L)
        assert (after.servers[F].current_epoch, after.servers[F].history) == (1, (ONE, TWO))
        assert after.servers[F].committed == 0
        assert under_way(after, F, L) == (AckLeader(TWO.zxid),)
        assert under_way(after, L, F) == ()
    zab.refuses(zab.after(PROMISED), "follower_processes_newleader", F, L)
    zab.refuses(changed(state, F, phase=Phase.DISCOVERY), "follower_processes_newleader", F, L)


@pytest.mark.parametrize("promise", [0, 2])
def test_f_2_1_a_follower_of_another_epoch_goes_back_to_phase_0(zab: Protocol, promise: int) -> None:
    """f.2.1: upon NEWLEADER(e', I) with f.p other than e', a follower goes back to phase 0."""
    state = changed(zab.after(CHOSEN), F, accepted_epoch=promise)
    after = zab.takes(state, "follower_processes_newleader", F, L)
    assert is_in_phase_0(after.servers[F])
    assert (after.servers[F].accepted_epoch, after.servers[F].current_epoch) == (promise, 0)
    assert under_way(after, F, L) == ()


def test_l_2_2_a_quorum_of_acknowledgements_establishes_the_leader(zab: Protocol) -> None:
    """l.2.2: upon ACK-LD from a quorum of followers the leader sends COMMIT-LD to them and goes to phase 3.

    It delivers the initial history with that. Departure: D7, COMMIT-LD carries a zxid.
    """
    state = changed(paper.initial(5), F, history=(ONE,))
    state = zab.on(state, FIVE_ADOPTED)
    first = zab.takes(state, "leader_processes_ackleader", L, F)
    assert (first.servers[L].phase, first.servers[L].committed) == (Phase.SYNCHRONIZATION, 0)
    assert under_way(first, L, F) == ()
    second = zab.takes(first, "leader_processes_ackleader", L, G)
    assert (second.servers[L].phase, second.servers[L].committed) == (Phase.BROADCAST, 1)
    assert under_way(second, L, F) == under_way(second, L, G) == (CommitLeader(ONE.zxid),)
    assert under_way(second, L, H) == ()
    zab.refuses(second, "leader_processes_ackleader", L, F)
    zab.refuses(changed(state, L, phase=Phase.DISCOVERY), "leader_processes_ackleader", L, F)


def test_l_3_4_an_acknowledgement_that_comes_late_is_answered_alone(zab: Protocol) -> None:
    """l.3.4: upon ACK-LD from a follower in phase 3, the leader sends it COMMIT-LD and counts it in Q.

    The zxid is that of the last transaction delivered by then. Departure: D7.
    """
    rejoining = """server_follows_oracle 2; follower_connects 0 2; leader_processes_cepoch 0 2
        follower_processes_newepoch 2 0; leader_processes_ackepoch 0 2; follower_processes_newleader 2 0"""
    state = zab.after(f"{LOGGED} connection_times_out 0 2; {rejoining}")
    assert under_way(state, G, L) == (AckLeader(FIRST.zxid),)
    early = zab.takes(state, "leader_processes_ackleader", L, G)  # nothing is delivered yet
    assert under_way(early, L, G) == (CommitLeader(ZERO),)
    assert under_way(early, L, F) == under_way(state, L, F)
    assert early.servers[L].stages[G] == Stage.ACKLD
    later = zab.on(state, "follower_processes_proposal 1 0; leader_processes_ack 0 1")
    late = zab.takes(later, "leader_processes_ackleader", L, G)
    assert under_way(late, L, G) == (CommitLeader(FIRST.zxid),)


def test_f_2_2_a_follower_delivers_the_initial_history(zab: Protocol) -> None:
    """f.2.2: upon COMMIT-LD, a follower delivers the transactions of the initial history in the order of
    their zxids and goes to phase 3."""
    state = changed(paper.initial(3), F, history=(ONE, TWO))
    state = zab.on(state, ESTABLISHED)
    assert under_way(state, L, F) == (CommitLeader(TWO.zxid),)
    after = zab.takes(state, "follower_processes_commitleader", F, L)
    assert (after.servers[F].phase, after.servers[F].committed) == (Phase.BROADCAST, 2)
    assert under_way(after, L, F) == ()
    zab.refuses(after, "follower_processes_commitleader", F, L)
    unknown = sending(state, L, F, CommitLeader(THREE.zxid))
    zab.refuses(unknown, "follower_processes_commitleader", F, L)


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


# The sentences cover the spec, and can fail.

NEVER_REFUSED = {"server_restarts"}
"""A process may crash at any time: the action has no guard."""


def sentences() -> list[tuple[Callable[..., None], dict[str, Any]]]:
    """Every test above that takes a protocol, with each choice of its other arguments."""
    found = []
    for name, test in sorted(globals().items()):
        if not name.startswith("test_") or "zab" not in inspect.signature(test).parameters:
            continue
        choices: list[dict[str, Any]] = [{}]
        for mark in getattr(test, "pytestmark", []):
            names = [mark.args[0]] if isinstance(mark.args[0], str) else list(mark.args[0])
            choices = [
                dict(zip(names, values if len(names) > 1 else [values], strict=True))
                for values in mark.args[1]
            ]
        found += [(test, choice) for choice in choices]
    return found


def failing(actions: Sequence[Callable[..., State | None]]) -> list[str]:
    """The names of the sentences that do not hold of these actions."""
    failed = []
    for test, choice in sentences():
        try:
            test(zab=Protocol(actions), **choice)
        except AssertionError:
            failed.append(test.__name__)
    return failed


def test_every_action_is_seen_enabled_and_not_enabled() -> None:
    asked = Protocol()
    for test, choice in sentences():
        test(zab=asked, **choice)
    names = {action.__name__ for action in paper.NEXT}
    assert asked.taken == names
    assert asked.refused == names - NEVER_REFUSED


def test_every_step_of_the_algorithms_has_a_sentence() -> None:
    """The steps that the docstrings of the spec's actions name are those that a test here is named for."""
    steps = {f"{who}.{phase}.{number}" for who, phase, number in STEPS}
    tested = {
        ".".join(name.removeprefix("test_").split("_")[:3]) for name in globals() if name.startswith("test_")
    }
    assert steps <= tested
    cited = {
        word.strip(",.;:()")
        for action in paper.NEXT
        for word in (action.__doc__ or "").split()
        if word[:2] in ("l.", "f.")
    }
    assert {each for each in cited if each[2:3].isdigit()} <= steps


STEPS = [
    ("f", 1, 1),
    ("l", 1, 1),
    ("f", 1, 2),
    ("l", 1, 2),
    ("l", 2, 1),
    ("f", 2, 1),
    ("l", 2, 2),
    ("f", 2, 2),
    ("l", 3, 1),
    ("f", 3, 1),
    ("l", 3, 2),
    ("f", 3, 2),
    ("l", 3, 3),
    ("l", 3, 4),
]
"""The steps of algorithms 1, 2 and 3: whose, of which phase, and which."""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mistake_breaks_a_sentence(mutant: Mutant) -> None:
    assert failing(apply(mutant, paper.NEXT))


@pytest.mark.parametrize("action", paper.NEXT, ids=lambda action: action.__name__)
def test_an_action_that_is_never_enabled_or_does_nothing_breaks_a_sentence(
    action: Callable[..., State | None],
) -> None:
    def never(state: State, *_: int) -> State | None:
        return None

    def nothing(state: State, *_: int) -> State | None:
        return state

    for wrong in (never, nothing):
        wrong.__name__ = action.__name__
        assert failing([wrong if each is action else each for each in paper.NEXT])
