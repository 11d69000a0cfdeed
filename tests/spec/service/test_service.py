"""What a client may see, in examples of a few steps."""

from __future__ import annotations

from zabspec import service
from zabspec.parts import Sid
from zabspec.service.history import outcome_at
from zabspec.service.requests import Body, Reply, Sync
from zabspec.service.state import Cid, Life, State
from zabspec.tree import CloseSession, Create, Delete, Exists, Flag, GetData, SetData
from zabspec.tree.replies import Changed, Data, Done, Failed
from zabspec.watches import NO_ZXID, AddWatch, Event, EventType, Kind, Registration

A, B = Cid(0), Cid(1)
S0, S1 = Sid(0), Sid(1)
NODE = (Create("/p", b"a"),)


def sent(state: State, client: Cid, body: Body) -> State:
    return taken(service.client_sends(state, client, body))


def taken(state: State | None) -> State:
    assert state is not None
    return state


def received(state: State, client: Cid) -> State:
    """Returns the messages in flight to a client."""
    while (after := service.client_receives(state, client)) is not None:
        state = after
    return state


def written(state: State, client: Cid, server: Sid, body: Body) -> State:
    """Returns the state after a write that has been answered."""
    state = taken(service.leader_logs_write(sent(state, client, body), client, server))
    while state.servers[server].applied < len(state.log):
        state = taken(service.server_applies(state, server))
    return received(state, client)


def read(state: State, client: Cid, server: Sid, body: Body) -> State:
    """Returns the state after a read that has been answered."""
    return received(taken(service.server_answers(sent(state, client, body), server, client)), client)


def test_a_read_waits_for_the_write_before_it_and_shows_it() -> None:
    state = sent(sent(service.initial(1, (0,), NODE), A, SetData("/p", b"b")), A, GetData("/p"))
    assert service.server_answers(state, S0, A) is None
    state = taken(service.server_applies(taken(service.leader_logs_write(state, A, S0)), S0))
    state = taken(service.server_answers(state, S0, A))
    write, answer = state.clients[A].inbox
    assert isinstance(write, Reply)
    assert isinstance(write.outcome, Changed)
    assert isinstance(answer, Reply)
    assert isinstance(answer.outcome, Data)
    assert (answer.outcome.data, answer.outcome.stat.version, answer.zxid) == (b"b", 1, 2)


def test_writes_are_logged_before_those_ahead_are_answered_and_wait_for_reads() -> None:
    state = service.initial(1, (0,), NODE)
    for body in (SetData("/p", b"b"), GetData("/p"), SetData("/p", b"c")):
        state = sent(state, A, body)
    state = taken(service.leader_logs_write(taken(service.leader_logs_write(state, A, S0)), A, S0))
    state = taken(service.server_applies(state, S0))
    assert service.server_applies(state, S0) is None
    state = taken(service.server_applies(taken(service.server_answers(state, S0, A)), S0))
    assert [each.zxid for each in state.clients[A].inbox] == [2, 2, 3]


def test_an_event_comes_before_the_reply_to_the_write_that_causes_it() -> None:
    state = read(service.initial(1, (0,), NODE), A, S0, GetData("/p", watch=True))
    assert state.clients[A].watches.registrations == (Registration(Kind.DATA, "/p"),)
    state = taken(service.leader_logs_write(sent(state, A, SetData("/p", b"b")), A, S0))
    state = taken(service.server_applies(state, S0))
    event, reply = state.clients[A].inbox
    assert event == Event(EventType.DATA_CHANGED, "/p", 2)
    assert isinstance(reply, Reply)
    assert received(state, A).clients[A].watches.registrations == ()


def test_a_server_that_is_behind_does_not_take_a_client() -> None:
    state = written(service.initial(2, (0,), NODE), A, S0, SetData("/p", b"b"))
    state = taken(service.client_disconnects(state, A))
    assert service.client_connects(state, A, S1) is None
    state = taken(service.server_applies(state, S1))
    assert taken(service.client_connects(state, A, S1)).owners[A] == S1


def test_a_write_left_at_the_server_before_is_refused_and_that_connection_closed() -> None:
    state = sent(service.initial(2, (0,), NODE), A, SetData("/p", b"b"))
    state = taken(service.client_disconnects(state, A))
    assert service.leader_refuses_write(state, A, S0) is None
    state = taken(service.client_connects(state, A, S1))
    assert service.leader_logs_write(state, A, S0) is None
    state = taken(service.leader_refuses_write(state, A, S0))
    assert not state.connections[S0][A].is_open
    assert len(state.log) == 1


def test_what_was_missed_is_told_before_anything_else_and_lasting_watches_are_told_nothing() -> None:
    state = read(service.initial(2, (0, 1), NODE), A, S0, GetData("/p", watch=True))
    state = read(state, A, S0, AddWatch("/p"))
    state = taken(service.client_disconnects(state, A))
    state = written(state, B, S1, SetData("/p", b"b"))
    state = taken(service.client_connects(state, A, S1))
    state = sent(state, A, GetData("/p"))
    assert service.server_answers(state, S1, A) is None
    state = taken(service.server_registers_again(state, S1, A))
    event, reply = state.clients[A].inbox
    assert event == Event(EventType.DATA_CHANGED, "/p", NO_ZXID)
    assert (reply.zxid, len(state.connections[S1][A].watches.entries)) == (2, 2)


def test_a_sync_waits_for_what_the_leader_had_when_it_was_asked() -> None:
    state = sent(service.initial(2, (0, 1), NODE), B, SetData("/p", b"b"))
    state = sent(taken(service.leader_logs_write(state, B, S1)), A, Sync("/p"))
    assert service.server_answers_sync(state, S0, A) is None
    state = taken(service.leader_answers_sync(state, A, S0))
    assert service.server_answers_sync(state, S0, A) is None
    state = taken(service.server_applies(state, S0))
    assert taken(service.server_answers_sync(state, S0, A)).clients[A].inbox[0].zxid == 2


def test_a_deposed_leader_answers_a_sync_from_what_it_knows() -> None:
    state = taken(service.leader_is_deposed(service.initial(2, (0, 1), NODE), S0))
    state = written(state, B, S1, SetData("/p", b"b"))
    state = taken(service.leader_answers_sync(sent(state, A, Sync("/p")), A, S0))
    assert service.server_applies(state, S0) is None
    assert service.leader_logs_write(sent(state, A, SetData("/p", b"c")), A, S0) is None
    assert taken(service.server_answers_sync(state, S0, A)).clients[A].inbox[0].zxid == 1
    state = taken(service.server_finds_leader(state, S0))
    assert not state.connections[S0][A].is_open
    assert taken(service.server_applies(state, S0)).servers[S0].applied == 2


def test_a_session_that_is_over_takes_its_ephemeral_node_along() -> None:
    state = written(service.initial(1, (0, 0), NODE), A, S0, Create("/p/e", flag=Flag.EPHEMERAL))
    state = read(state, B, S0, Exists("/p/e", watch=True))
    state = taken(service.leader_expires_session(state, A))
    assert service.leader_expires_session(state, A) is None
    assert service.leader_logs_write(sent(state, A, Delete("/p")), A, S0) is None
    state = taken(service.server_applies(state, S0))
    assert list(state.clients[B].inbox) == [Event(EventType.DELETED, "/p/e", 3)]
    assert not state.connections[S0][A].is_open
    state = taken(service.client_disconnects(state, A))
    assert service.client_connects(state, A, S0) is None
    assert taken(service.client_finds_session_expired(state, A, S0)).clients[A].life == Life.EXPIRED


def test_a_client_that_closes_its_session_is_answered_and_does_no_more() -> None:
    state = written(service.initial(1, (0,), NODE), A, S0, CloseSession())
    client = state.clients[A]
    assert (client.life, client.server, client.last_zxid) == (Life.CLOSED, None, 2)
    assert service.client_connects(state, A, S0) is None
    assert service.client_sends(state, A, GetData("/p")) is None


def test_a_crash_takes_connections_and_watches_and_leaves_the_log() -> None:
    state = read(service.initial(1, (0,), NODE), A, S0, GetData("/p", watch=True))
    state = taken(service.server_crashes(state, S0))
    assert (state.connections[S0][A].is_open, state.servers[S0].applied) == (False, 1)
    assert service.server_crashes(state, S0) is None
    assert service.client_sends(state, A, GetData("/p")) is None
    state = taken(service.client_connects(taken(service.client_disconnects(state, A)), A, S0))
    assert [each.number for each in state.connections[S0][A].requests] == [0]


def test_what_is_refused_has_its_place_in_the_order() -> None:
    state = service.initial(1, (0,), NODE)
    state = sent(state, A, SetData("/p", b"b", version=7))
    state = taken(service.server_applies(taken(service.leader_logs_write(state, A, S0)), S0))
    reply = state.clients[A].inbox[0]
    assert isinstance(reply, Reply)
    assert isinstance(reply.outcome, Failed)
    assert reply.zxid == len(state.log) == 2
    state = written(state, A, S0, Delete("/p"))
    assert outcome_at(state.log, 3) == Done()
