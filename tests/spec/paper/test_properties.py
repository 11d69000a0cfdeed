from __future__ import annotations

import pytest

from zabspec import paper
from zabspec.broadcast import properties as broadcast_properties
from zabspec.histories import History, Txn, Zxid
from zabspec.paper import expected, properties
from zabspec.paper.state import Commit, Propose, Role
from zabspec.parts import Queue, Row, Sid, replace

S0, S1, S2 = Sid(0), Sid(1), Sid(2)
A, B, C = Txn(Zxid(1, 1), 0), Txn(Zxid(1, 2), 0), Txn(Zxid(2, 1), 0)

GROUPS = {
    "paper": (properties.ALWAYS, properties.EVERY_STEP, properties.SOMETIMES),
    "broadcast": (
        broadcast_properties.ALWAYS,
        broadcast_properties.EVERY_STEP,
        broadcast_properties.SOMETIMES,
    ),
}


def having_delivered(*histories: History) -> paper.State:
    state = paper.initial(len(histories))
    servers = [
        replace(server, history=history, committed=len(history), current_epoch=1, accepted_epoch=1)
        for server, history in zip(state.servers, histories, strict=True)
    ]
    return replace(state, servers=Row(servers))


@pytest.mark.parametrize("spec", GROUPS)
def test_every_property_has_a_name_of_its_own_and_says_where_it_comes_from(spec: str) -> None:
    always, every_step, sometimes = GROUPS[spec]
    names = [each.__name__ for group in GROUPS[spec] for each in group]
    assert len(set(names)) == len(names)
    assert all("Source: " in (each.__doc__ or "") for each in (*always, *every_step))
    assert all("Paper: " in (each.__doc__ or "") for each in sometimes)


def test_local_primary_order_is_of_all_pairs_and_that_of_zab_tla_of_none() -> None:
    wrong = having_delivered((A, B), (B, A), ())
    assert not properties.local_primary_order(wrong, S1)
    assert all(properties.local_primary_order_as_in_zab_tla(wrong, sid) for sid in (S0, S1, S2))


@pytest.mark.parametrize("mine", [(), (A,), (B,), (A, B), (B, A)])
@pytest.mark.parametrize("other", [(), (A,), (B,), (A, B), (B, A)])
def test_local_primary_order_as_in_zab_tla_cannot_fail(mine: History, other: History) -> None:
    state = having_delivered(mine, other)
    assert properties.local_primary_order_as_in_zab_tla(state, S0)
    assert properties.local_primary_order_as_in_zab_tla(state, S1)


def test_total_order_and_agreement_are_not_the_same() -> None:
    gap = having_delivered((A, B), (B,))
    assert properties.agreement(gap, S0, S1)
    assert not properties.total_order(gap, S0, S1)
    apart = having_delivered((A,), (B,))
    assert not properties.agreement(apart, S0, S1)
    assert properties.total_order(apart, S0, S1)


def test_global_primary_order_looks_at_epochs_alone() -> None:
    assert properties.global_primary_order(having_delivered((B, C)), S0)
    assert not properties.global_primary_order(having_delivered((C, A)), S0)


def test_what_is_delivered_must_be_kept_by_a_quorum_in_its_place() -> None:
    assert properties.committed_is_kept(having_delivered((A, B), (A, B), ()), S0)
    assert not properties.committed_is_kept(having_delivered((A, B), (B, A), ()), S0)


def test_the_message_that_nobody_can_take_is_told_apart() -> None:
    state = paper.initial(2)
    for message in (Propose(B), Commit(Zxid(1, 1))):
        network = state.network.put(0, state.network[0].put(1, Queue((message,))))
        follower = replace(state.servers[1], role=Role.FOLLOWING, leader=S0)
        connected = replace(state, network=network, servers=state.servers.put(1, follower))
        assert expected.message_is_legal(connected, S1, S0)
        assert not expected.message_is_legal(replace(connected, servers=state.servers), S1, S0)
        assert expected.proposal_fits(connected, S1, S0) == isinstance(message, Commit)
        assert expected.commit_fits(connected, S1, S0) == isinstance(message, Propose)
        assert expected.acknowledgement_fits(connected, S1, S0)
