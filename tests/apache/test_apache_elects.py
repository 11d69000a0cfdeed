"""Servers of ours that only take part in elections, with Apache ZooKeeper as a member."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from apache_server import START_TIMEOUT
from election_peer import ElectionPeer, local_ensemble, until
from zabserver.wire.election import ServerState
from zabserver.zab.ensemble import Ensemble, ensemble_from_text

pytestmark = pytest.mark.apache

Started = Callable[[int, Ensemble], Path]
APACHE = 2
"""An id between ours: one of ours connects to Apache, and Apache connects to the other."""


@asynccontextmanager
async def opened(ensemble: Ensemble, *sids: int) -> AsyncIterator[list[ElectionPeer]]:
    """Opens peers that look for a leader, and closes them at the end."""
    peers = [ElectionPeer(sid, ensemble) for sid in sids]
    try:
        for each in peers:
            await each.open()
        yield peers
    finally:
        for each in peers:
            await each.close()


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 2 * START_TIMEOUT))


def test_apache_and_ours_elect_one_of_ours(start_apache: Started) -> None:
    async def check() -> None:
        ensemble = local_ensemble(3)
        out = start_apache(APACHE, ensemble)
        await until(lambda: "my election bind port" in text_of(out), "that Apache listens")
        async with opened(ensemble, 1, 3) as peers:
            await until(lambda: all(each.leader == 3 for each in peers), "that ours follow 3")
            for each in peers:
                await until(lambda each=each: voted_for(each, 3), "the vote of Apache")
            await until(lambda: "FOLLOWING - LEADER ELECTION TOOK" in text_of(out), "that Apache follows")
            theirs = next(said.config for sender, said in peers[0].heard if sender == APACHE)
            assert theirs.decode() == ensemble.text()
            assert ensemble_from_text(theirs.decode()) == ensemble

    run(check())


def test_apache_is_elected_and_those_that_come_late_follow_it(start_apache: Started) -> None:
    """The late server has a larger id, and would be elected if it were there from the beginning."""

    async def check() -> None:
        ensemble = local_ensemble(3, observers=1)
        out = start_apache(APACHE, ensemble)
        async with opened(ensemble, 1) as (first,):
            await until(lambda: first.leader == APACHE, "that ours follows Apache")
            await until(lambda: "LEADING - LEADER ELECTION TOOK" in text_of(out), "that Apache leads")
            async with opened(ensemble, 3, 4) as late:
                await until(lambda: all(each.leader == APACHE for each in late), "that the others do, too")
                states = [each.election.state for each in (first, *late)]
                assert states == [ServerState.FOLLOWING, ServerState.FOLLOWING, ServerState.OBSERVING]

    run(check())


def voted_for(peer: ElectionPeer, leader: int) -> bool:
    """True if Apache has told a peer that it votes for a leader."""
    return any(sender == APACHE and said.leader == leader for sender, said in peer.heard)


def text_of(out: Path) -> str:
    """Returns what Apache has logged so far."""
    return out.read_text(encoding="utf-8", errors="replace") if out.exists() else ""
