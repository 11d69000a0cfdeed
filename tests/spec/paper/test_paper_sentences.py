"""The sentences of the paper's algorithms 1 and 2 and of phase 0, one test for each, on `zabspec.paper`.

Paper: DSN'11, section IV: phase 0 as an oracle, algorithms 1 to 3 with their step numbers, and what the text
says of going back to phase 0. Each test states its sentence in its docstring, drives the spec by hand into
the situation that the sentence speaks of, and shows when the action is enabled, when it is not, and what it
does. Where the spec departs from the sentence, the test cites the entry in docs/deviations.md. Algorithm 3 is
in `test_paper_sentences_broadcast.py`.

The last tests show, of both files, that each action is tried, and that each mistake in the catalogue of
mutants breaks a sentence.
"""

from __future__ import annotations

import inspect
import runpy
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from paper_stories import (
    CHOSEN,
    CONNECTED,
    DELIVERED,
    ESTABLISHED,
    FIRST,
    FIVE,
    FIVE_ADOPTED,
    FIVE_PROMISED,
    FOLLOWED,
    LOGGED,
    NAMED,
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
    K,
    L,
    Protocol,
    changed,
    is_in_phase_0,
    sending,
    under_way,
)
from zabcheck.models.mutant import Mutant, apply
from zabcheck.models.paper.mutants import MUTANTS
from zabspec import paper
from zabspec.histories import ZERO, Txn, Zxid
from zabspec.paper.state import (
    AckEpoch,
    AckLeader,
    CEpoch,
    CommitLeader,
    NewEpoch,
    NewLeader,
    Propose,
    Role,
    Stage,
    State,
)
from zabspec.parts import replace
from zabspec.phases import Phase

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


# The sentences cover the spec, and can fail.

NEVER_REFUSED = {"server_restarts"}
"""A process may crash at any time: the action has no guard."""


@cache
def all_tests() -> dict[str, Callable[..., None]]:
    """Returns every test of this file and of the one on broadcast, by name."""
    others = runpy.run_path(str(Path(__file__).with_name("test_paper_sentences_broadcast.py")))
    return {name: each for name, each in {**globals(), **others}.items() if name.startswith("test_")}


def sentences() -> list[tuple[Callable[..., None], dict[str, Any]]]:
    """Returns every test of both files that takes a protocol, with each choice of its other arguments."""
    found = []
    for _, test in sorted(all_tests().items()):
        if "zab" not in inspect.signature(test).parameters:
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
    """Returns the names of the sentences that do not hold of these actions."""
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
    """Each step that the docstring of an action names has a test that is named for it."""
    steps = {f"{who}.{phase}.{number}" for who, phase, number in STEPS}
    tested = {".".join(name.removeprefix("test_").split("_")[:3]) for name in all_tests()}
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
