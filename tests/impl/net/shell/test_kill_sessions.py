"""The server is killed under sessions with ephemeral nodes: no node is lost, and none reappears.

Sessions are opened, given nodes, then closed, kept or left to expire, while the server is killed at random
moments. After each start, a session that nobody ended is there with all its nodes; one that was closed or has
expired is not there, nor is any of its nodes, ever again; one whose end was requested but not acknowledged is
there with all its nodes, or not at all.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import pytest

from server_process import WAIT, serving
from zabcheck.servers.encoding import ProtocolError
from zabcheck.servers.session import Disconnected, Session
from zabspec import tree
from zabspec.tree.replies import Children, Created, Paths

WORKERS = 3
LONG, SHORT = 60_000, 600
"""Session timeouts in milliseconds: of sessions that must not expire, and of those that must."""
SETTINGS = ("tickTime=100", f"maxSessionTimeout={LONG}")
CHECKED = 20
"""Number of sessions, of those that ended last, that are checked again."""


class State(Enum):
    """What must become of a session."""

    GOES_ON = "goes on"
    ENDS = "ends, or goes on"  # it was asked to, and nothing was heard
    EXPIRES = "expires"
    OVER = "over"


@dataclass
class Owner:
    """A session, and what its client knows of it.

    Attributes:
        id: id of the session.
        password: its password.
        state: what must become of it.
        asked: nodes whose creation was requested.
        acknowledged: nodes whose creation was acknowledged.
    """

    id: int
    password: bytes
    state: State
    asked: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)

    def check_nodes(self, there: set[str]) -> None:
        """Checks that all nodes of the session that must be there are among those found, and no others."""
        its = there & self.asked
        if self.state is State.OVER:
            assert not its, self
        elif self.state is State.GOES_ON or its:
            assert self.acknowledged <= its, (self, its)


def work(port: int, chance: random.Random, owners: list[Owner]) -> None:
    """Runs one client after the other until the server is gone."""
    try:
        while True:
            one_session(port, chance, owners)
    except (Disconnected, ProtocolError, OSError):
        return


def one_session(port: int, chance: random.Random, owners: list[Owner]) -> None:
    """Opens a session, creates nodes, and closes the session, keeps it or leaves it to expire."""
    fate = chance.choice((State.GOES_ON, State.ENDS, State.ENDS, State.EXPIRES))
    session = Session("127.0.0.1", port, SHORT if fate is State.EXPIRES else LONG)
    owner = Owner(session.id, session.password, State.EXPIRES if fate is State.EXPIRES else State.GOES_ON)
    owners.append(owner)
    for number in range(chance.randint(1, 4)):
        path = f"/e{session.id:x}-{number}"
        owner.asked.add(path)
        if session.call(tree.Create(path, flag=tree.Flag.EPHEMERAL)).reply == Created(path, None):
            owner.acknowledged.add(path)
    if fate is State.ENDS:
        end(session, owner)
    else:
        session.drop()


def end(session: Session, owner: Owner) -> None:
    """Closes a session."""
    owner.state = State.ENDS
    session.call(tree.CloseSession())
    owner.state = State.OVER


def nodes(session: Session) -> set[str]:
    """Returns all ephemeral nodes, read in one request."""
    found = session.call(tree.GetChildren("/")).reply
    assert isinstance(found, Children)
    return {f"/{name}" for name in found.names if name.startswith("e")}


def look(port: int, owners: list[Owner], chance: random.Random) -> Counter[State]:
    """Checks every session, ends some of those that are kept, and waits for those that must expire."""
    met: Counter[State] = Counter(each.state for each in owners)
    session = Session("127.0.0.1", port, LONG)
    there = nodes(session)
    assert there <= set().union(*(each.asked for each in owners))
    for owner in owners:
        owner.check_nodes(there)
    for owner in owners:
        if owner.state in (State.GOES_ON, State.ENDS):
            resume(port, owner, there, chance.random() < 0.5)
    for owner in [each for each in owners if each.state is State.OVER][-CHECKED:]:
        assert Session("127.0.0.1", port, LONG, 0, (owner.id, owner.password)).id == 0, owner
    wait_for_expiry(session, [each for each in owners if each.state is State.EXPIRES])
    session.call(tree.CloseSession())
    return met


def resume(port: int, owner: Owner, there: set[str], is_last: bool) -> None:
    """Resumes a session, which must have all its nodes; or it has ended as requested."""
    back = Session("127.0.0.1", port, LONG, 0, (owner.id, owner.password))
    its = there & owner.asked
    if back.id == 0:
        assert owner.state is State.ENDS, owner
        assert not its, owner
        owner.state = State.OVER
        return
    owner.state = State.GOES_ON
    found = back.call(tree.GetEphemerals("/")).reply
    assert isinstance(found, Paths)
    assert set(found.paths) == its
    assert owner.acknowledged <= its
    owner.acknowledged |= its
    if is_last:
        end(back, owner)
    else:
        back.drop()


def wait_for_expiry(session: Session, owners: list[Owner]) -> None:
    """Waits until the nodes of these sessions are gone; from then on they must not reappear."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        there = nodes(session)
        for each in owners:
            each.check_nodes(there)
        if not any(there & each.asked for each in owners):
            break
        time.sleep(0.02)
    else:
        pytest.fail("a session that nobody kept did not expire")
    for each in owners:
        if each.acknowledged:  # of one without nodes nobody knows
            each.state = State.OVER


def rounds(folder: Path, count: int, seed: int) -> Counter[State]:
    """Runs rounds, and returns how often each state was met."""
    chance = random.Random(seed)
    owners: list[Owner] = []
    met: Counter[State] = Counter()
    for _ in range(count):
        with serving(folder, SETTINGS) as (process, port):
            met += look(port, owners, chance)
            seeds = [chance.randrange(1 << 30) for _ in range(WORKERS)]
            workers = [
                threading.Thread(target=work, args=(port, random.Random(each), owners)) for each in seeds
            ]
            for each in workers:
                each.start()
            enough = len(owners) + chance.randrange(3, 40)
            while len(owners) < enough and any(each.is_alive() for each in workers):
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            for each in workers:
                each.join(WAIT)
    with serving(folder, SETTINGS) as (_, port):
        return met + look(port, owners, chance)


def test_sessions_and_their_nodes_are_neither_lost_nor_raised_from_the_dead(tmp_path: Path) -> None:
    met = rounds(tmp_path, 5, seed=1)
    assert all(met[each] > 2 for each in (State.GOES_ON, State.EXPIRES, State.OVER)), met


@pytest.mark.deep
def test_sessions_and_their_nodes_in_many_rounds(tmp_path: Path) -> None:
    met = rounds(tmp_path, 100, seed=2)
    assert all(met[each] > 5 for each in State), met
