"""Sessions: ids and passwords, which clients are let in, when a session ends, and who may make its
requests.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zabcheck.models.mutant import FunctionMutant
from zabcheck.models.sessions.model import SESSION, TICK, Rules, broken, outcomes, reached
from zabcheck.models.sessions.mutants import ID_MUTANTS, MUTANTS
from zabspec import sessions
from zabspec.parts import replace
from zabspec.sessions import (
    NO_SESSION,
    ConnectRequest,
    Creates,
    Handling,
    Host,
    Invalid,
    Refusal,
    Refused,
    Revalidates,
    Standing,
    first_session_id,
    handled,
    is_password,
    learner,
    negotiated,
    password_of,
)
from zabspec.sessions.properties import EVERY_STEP, Servers, ids_are_unique

# Ids, passwords, timeouts.


def test_a_password_is_that_of_apache_zookeeper() -> None:
    """As seen on the wire, in the answer of a server 3.8.0."""
    assert password_of(0x100003276DF0000).hex() == "d325af0964dea7206954781d4d8f801c"
    assert is_password(0x100003276DF0000, bytes.fromhex("d325af0964dea7206954781d4d8f801c"))
    assert not is_password(0x100003276DF0001, bytes.fromhex("d325af0964dea7206954781d4d8f801c"))
    assert not is_password(NO_SESSION, password_of(NO_SESSION))


def test_a_password_is_the_same_for_an_id_with_and_without_a_sign() -> None:
    assert password_of(first_session_id(200, 77)) == password_of(first_session_id(200, 77) % (1 << 64))


def test_an_id_has_the_server_on_top_and_its_clock_below() -> None:
    assert first_session_id(1, 0x3276DF) == 0x100003276DF0000
    assert first_session_id(0, 0) == 0
    assert first_session_id(3, (1 << 40) + 5) == 0x0300000000050000
    assert first_session_id(255, 0) == -(1 << 56)
    assert first_session_id(128, 0) == -(1 << 63) + 1


starts = st.builds(
    Servers,
    first=st.integers(0, 255),
    started=st.integers(0, (1 << 40) - 1),
    created=st.integers(0, 1 << 40),
    second=st.integers(0, 255),
    later=st.integers(0, 1 << 38),
).filter(lambda each: each.started + each.later < 1 << 40)


@settings(max_examples=300, derandomize=True, database=None)
@given(starts)
def test_no_two_sessions_have_the_same_id(servers: Servers) -> None:
    assert ids_are_unique(servers)


@pytest.mark.parametrize(
    ("name", "servers"),
    [
        ("sign-extended", Servers(1, 1 << 39, 1, 2, 0)),  # after 17 years of uptime
        ("without-server", Servers(1, 5, 1, 2, 0)),
    ],
)
def test_a_mistake_in_ids_is_caught(name: str, servers: Servers) -> None:
    assert not ids_are_unique(servers, ID_MUTANTS[name])
    assert ids_are_unique(servers)
    assert {"sign-extended", "without-server"} == set(ID_MUTANTS)


@pytest.mark.parametrize(
    ("asked", "granted"), [(0, 4_000), (3_999, 4_000), (10_000, 10_000), (40_001, 40_000), (-1, 4_000)]
)
def test_a_timeout_is_between_two_and_twenty_ticks(asked: int, granted: int) -> None:
    assert negotiated(asked, tick=2_000) == granted
    assert negotiated(asked, tick=2_000, least=1, most=100_000) == max(1, asked)


# Which clients are let in.

OLD = first_session_id(1, 100)
HOST = Host(last_zxid=7, tick=2_000)
NEW = ConnectRequest(NO_SESSION, b"", 10_000, 0)
BACK = ConnectRequest(OLD, password_of(OLD), 10_000, 7)


@pytest.mark.parametrize(
    ("request_", "host", "is_global", "expected"),
    [
        (NEW, HOST, False, Creates(10_000, is_local=False)),
        (NEW, replace(HOST, has_local_sessions=True), False, Creates(10_000, is_local=True)),
        (BACK, HOST, True, Revalidates(OLD, 10_000)),
        (BACK, HOST, False, Revalidates(OLD, 10_000)),
        (replace(BACK, timeout=1), HOST, True, Revalidates(OLD, 4_000)),
        (replace(BACK, password=bytes(16)), HOST, True, Invalid(OLD)),
        (replace(BACK, last_zxid=8), HOST, True, Refused(Refusal.CLIENT_IS_AHEAD)),
        (replace(NEW, last_zxid=8), HOST, False, Refused(Refusal.CLIENT_IS_AHEAD)),
        (replace(BACK, last_zxid=8, password=b""), HOST, True, Refused(Refusal.CLIENT_IS_AHEAD)),
        (replace(BACK, last_zxid=8), replace(HOST, has_tokens=False), True, Refused(Refusal.TOO_MANY)),
        (
            replace(BACK, last_zxid=8),
            replace(HOST, is_read_only=True),
            True,
            Refused(Refusal.READ_ONLY_SERVER),
        ),
        (
            replace(BACK, takes_read_only=True),
            replace(HOST, is_read_only=True),
            True,
            Refused(Refusal.GLOBAL_SESSION_ON_READ_ONLY_SERVER),
        ),
        (
            replace(BACK, takes_read_only=True),
            replace(HOST, is_read_only=True),
            False,
            Revalidates(OLD, 10_000),
        ),
        (
            replace(NEW, takes_read_only=True),
            replace(HOST, is_read_only=True),
            False,
            Refused(Refusal.NO_NEW_SESSION_ON_READ_ONLY_SERVER),
        ),
        (
            replace(NEW, takes_read_only=True),
            replace(HOST, is_read_only=True, has_local_sessions=True),
            False,
            Creates(10_000, is_local=True),
        ),
    ],
)
def test_which_clients_are_let_in(
    request_: ConnectRequest, host: Host, is_global: bool, expected: Handling
) -> None:
    assert handled(request_, host, is_global=is_global) == expected


def test_a_client_is_told_its_session_or_zeros() -> None:
    welcome = sessions.accepted(OLD, 10_000)
    assert (welcome.session, welcome.timeout, welcome.password) == (OLD, 10_000, password_of(OLD))
    gone = sessions.expired_session()
    assert (gone.session, gone.timeout, gone.password) == (0, 0, bytes(16))


# When a session ends, and who may make its requests.


@pytest.mark.spec
def test_all_that_happens_to_a_session_in_a_short_time_is_right() -> None:
    assert broken(Rules()) == (10_107, {})


@pytest.mark.spec
def test_sessions_expire_as_early_and_as_late_as_they_may() -> None:
    silences = {
        step.now - step.past.heard - step.past.timeout
        for world in reached(Rules())
        for step, _ in outcomes(Rules(), world)
        if step.has_expired
    }
    assert silences == set(range(1, TICK + 1))


@pytest.mark.spec
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mistake_is_caught(mutant: FunctionMutant[Any]) -> None:
    assert mutant.caught_by in broken(mutant.functions)[1]


def test_every_property_has_a_mutant() -> None:
    assert {mutant.caught_by for mutant in MUTANTS} == {each.__name__ for each in EVERY_STEP}


times = st.integers(0, 10_000)


@settings(max_examples=200, derandomize=True, database=None)
@given(tick=st.integers(1, 3_000), timeout=st.integers(1, 60_000), heard=st.lists(times, min_size=1))
def test_expiry_is_never_early_and_at_most_a_tick_late(tick: int, timeout: int, heard: list[int]) -> None:
    """For a session that is heard of at any times not too far apart, and then falls silent."""
    heard = sorted(heard)
    tracker = sessions.tracked(sessions.started(tick, heard[0]), SESSION, timeout, heard[0])
    last = heard[0]
    for now in (*heard[1:], heard[-1] + timeout + tick):
        while tracker.next_slot <= now:
            slot = tracker.next_slot
            tracker, ended = sessions.expired(tracker, slot)
            if ended:
                assert last + timeout < slot <= last + timeout + tick
                assert sessions.touched(tracker, SESSION, timeout, now) is None
                return
        touched = sessions.touched(tracker, SESSION, timeout, now)
        assert touched is not None
        assert now < last + timeout + tick
        tracker, last = touched, now
    raise AssertionError("it never expired")


def test_slots_are_emptied_one_at_a_time() -> None:
    tracker = sessions.started(2, 0, [(1, 2), (2, 4), (3, 4)])
    tracker, ended = sessions.expired(tracker, 9)
    assert ended == ()
    tracker, ended = sessions.expired(tracker, 9)
    assert ended == (1,)
    tracker, ended = sessions.expired(tracker, 9)
    assert ended == (2, 3)
    assert all(each.is_closing for each in tracker.sessions)
    assert sessions.removed(tracker, 2).sessions == (tracker.sessions[0], tracker.sessions[2])


def test_a_session_comes_back_with_another_timeout_and_keeps_its_own() -> None:
    tracker = sessions.moved(sessions.started(2, 0, [(1, 10)]), 1, 4, 5, 0)
    assert tracker is not None
    known = sessions.session_of(tracker, 1)
    assert known is not None
    assert (known.timeout, known.slot, known.owner) == (10, 6, 5)
    assert sessions.judged(tracker, 1, 4) == (tracker, Standing.MOVED)
    assert sessions.moved(tracker, 2, 4, 5, 0) is None


# Followers, and local sessions.


def test_a_follower_reports_once_whom_it_has_heard_of() -> None:
    server: learner.Learner | None = learner.Learner(first_session_id(2, 0))
    for session, timeout in ((5, 10), (3, 10), (5, 20)):
        assert server is not None
        server = learner.heard(server, session, timeout, 0, is_global=True)
    assert server is not None
    server, touches = learner.reported(server)
    assert touches == ((3, 10), (5, 20))
    assert learner.reported(server)[1] == ()
    leading = sessions.started(2, 0, [(5, 10)])
    known = sessions.session_of(learner.with_touches(leading, touches, 7), 5)
    assert known is not None
    assert known.slot == 28


def test_a_local_session_is_known_to_its_server_alone_until_it_is_upgraded() -> None:
    local = learner.Learner(first_session_id(2, 0), local=sessions.started(2, 0))
    other = learner.Learner(first_session_id(3, 0), local=sessions.started(2, 0))
    local, session = learner.created(local, 10, 0)
    assert learner.is_local(local, session)
    assert learner.heard(local, session, 10, 5, is_global=False) is not None
    assert learner.heard(other, session, 10, 5, is_global=False) is None
    assert learner.reported(local)[1] == ()

    upgraded = learner.upgraded(local, session)
    assert not learner.is_local(upgraded, session)
    on_its_way = learner.heard(upgraded, session, 10, 5, is_global=False)
    assert on_its_way is not None
    assert learner.reported(on_its_way)[1] == ((session, 10),)
    committed = learner.committed(upgraded, session, 10)
    assert (committed.upgrading, committed.touches) == ((), ((session, 10),))


@pytest.mark.parametrize(
    ("is_local", "creates_ephemeral", "is_allowed", "expected"),
    [
        (True, True, True, learner.Upgrade.NEEDED),
        (True, True, False, learner.Upgrade.REFUSED),
        (True, False, False, learner.Upgrade.NOT_NEEDED),
        (False, True, False, learner.Upgrade.NOT_NEEDED),
    ],
)
def test_a_local_session_is_upgraded_for_an_ephemeral_node(
    is_local: bool, creates_ephemeral: bool, is_allowed: bool, expected: learner.Upgrade
) -> None:
    server = learner.Learner(first_session_id(2, 0), local=sessions.started(2, 0) if is_local else None)
    server, session = learner.created(server, 10, 0)
    found = learner.upgrade(server, session, creates_ephemeral=creates_ephemeral, is_allowed=is_allowed)
    assert found == expected
