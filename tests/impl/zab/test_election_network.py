"""Elections of three to six cores with delays, losses and crashes keep their properties; mistakes are
found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from election_network import Disk, Network, Run, disturbed, recover, undisturbed
from zabserver.wire.election import Notification, ServerState
from zabserver.zab.election import Election, Report, Vote
from zabserver.zab.ensemble import Ensemble, Member

Make = Callable[[int, Ensemble], Election]

SOON = 60_000
"""Longest time until a calm network has a leader, in milliseconds."""


def ensemble_of(voters: int, observers: int = 0) -> Ensemble:
    sids = range(1, voters + observers + 1)
    return Ensemble({sid: Member(sid, "h", 1, 2, sid > voters) for sid in sids})


THREE = ensemble_of(3)
WEIGHED = replace(THREE, groups={1: frozenset({1, 2, 3})}, weights={3: 0})
GROUPS = replace(
    ensemble_of(6),
    groups={1: frozenset({1, 2, 3}), 2: frozenset({4, 5}), 3: frozenset({6})},
    weights={4: 3, 6: 0},
)
ENSEMBLES = {"3": THREE, "5": ensemble_of(5), "3+2": ensemble_of(3, 2), "weighed": WEIGHED, "groups": GROUPS}

DISKS = st.builds(Disk, st.integers(1, 2), st.integers(0, 2))
NUMBERS = st.integers(0, 400)
ACTIONS = st.one_of(
    st.tuples(st.sampled_from(["deliver", "deliver", "deliver", "deliver", "repeat", "lose"]), NUMBERS),
    st.tuples(st.sampled_from(["wait", "wait", "crash", "start", "start", "look_again"]), NUMBERS),
)


@st.composite
def disturbances(draw: st.DrawFn, ensemble: Ensemble) -> Run:
    size = len(ensemble.members)
    disks = draw(st.tuples(*[DISKS] * size))
    length = draw(st.sampled_from([10, 40, 120]))
    return Run(ensemble, disks, tuple(draw(st.lists(ACTIONS, min_size=length, max_size=length))))


@st.composite
def delays(draw: st.DrawFn, ensemble: Ensemble) -> Run:
    """Draws delays that are all shorter than a hold-off."""
    size = len(ensemble.members)
    starts = draw(st.tuples(*[st.sampled_from([0, 0, 100, 200, 300, 700])] * size))
    taken = draw(st.lists(st.sampled_from([1, 60, 120, 190]), min_size=1, max_size=30))
    return Run(ensemble, draw(st.tuples(*[DISKS] * size)), starts=starts, delays=tuple(taken))


SLOW = Run(THREE, (Disk(1, 0),) * 3, starts=(0, 0, 0), delays=(1, 1, 1, 1, 1, 190, 120, 1, 190, 1))
"""Server 1 votes for 2 and then for 3; its vote for 2 takes 120 ms to arrive, everything else 190."""

UNDISTURBED_ONLY = {"agreement"}


@pytest.mark.parametrize("name", ENSEMBLES)
def test_every_decision_is_as_it_must_be_whatever_happens(name: str) -> None:
    @settings(max_examples=150, derandomize=True, deadline=None, database=None)
    @given(disturbances(ENSEMBLES[name]))
    def check(run: Run) -> None:
        assert disturbed(run).broken <= UNDISTURBED_ONLY

    check()


@pytest.mark.parametrize("name", ENSEMBLES)
def test_all_agree_where_nothing_takes_longer_than_a_hold_off(name: str) -> None:
    @settings(max_examples=150, derandomize=True, deadline=None, database=None)
    @given(delays(ENSEMBLES[name]))
    def check(run: Run) -> None:
        network = undisturbed(run)
        assert network.broken == set()
        assert network.is_settled()

    check()


@pytest.mark.parametrize("name", ENSEMBLES)
def test_calm_network_has_a_leader_soon(name: str) -> None:
    """A calm network elects whatever happened before, with as many servers down as a quorum can spare."""

    @settings(max_examples=150, derandomize=True, deadline=None, database=None)
    @given(disturbances(ENSEMBLES[name]), st.integers(0, 10))
    def check(run: Run, spared: int) -> None:
        network = disturbed(run)
        make_calm(network, spared)
        assert network.calm(SOON) is not None
        assert network.broken <= UNDISTURBED_ONLY

    check()


def make_calm(network: Network, spared: int) -> None:
    """Starts all servers, except for one that stays down if a quorum can spare it."""
    sid = network.sids[spared % len(network.sids)]
    rest = [each for each in network.sids if each != sid]
    if network.ensemble.is_quorum(rest):
        network.crash(sid)
        recover(network, {sid})
    else:
        recover(network)


# Every property can fail: cores with one mistake, and what catches it.


class HighestIdWins(Election):
    """Mistake: votes are compared by their leaders' ids alone."""

    def _is_better(self, vote: Vote, than: Vote) -> bool:
        return self.ensemble.weight(vote.leader) != 0 and vote.leader > than.leader


class WeightIgnored(Election):
    """Mistake: votes for servers without weight are adopted."""

    def _is_better(self, vote: Vote, than: Vote) -> bool:
        return vote.rank > than.rank


class LastVoteWins(Election):
    """Mistake: the last vote received is adopted, better or not."""

    def _is_better(self, vote: Vote, than: Vote) -> bool:
        return self.ensemble.weight(vote.leader) != 0 and vote.rank != than.rank


class ShortHoldOff(Election):
    """Mistake: a quorum decides before votes in flight can have arrived."""

    def _count(self, now: int) -> None:
        super()._count(now)
        if self._holds_off:
            self._due = now + 10


class NoCheckOfLeader(Election):
    """Mistake: a quorum of decided servers is believed even if the leader has not said that it leads."""

    def _is_led(self, reports: dict[int, Report], vote: Vote) -> bool:
        return True


class DecidesAlone(Election):
    """Mistake: two votes are enough."""

    def _has_quorum(self, reports: dict[int, Report], report: Report) -> bool:
        return sum(report.agrees_with(each) for each in reports.values()) >= 2


class RoundsIgnored(Election):
    """Mistake: votes of other rounds count in this one."""

    def _weigh_vote(self, sender: int, notification: Notification, now: int) -> None:
        super()._weigh_vote(sender, replace(notification, round=self.round), now)


class VotesKept(Election):
    """Mistake: votes of an earlier round count in the one that is joined."""

    def _weigh_vote(self, sender: int, notification: Notification, now: int) -> None:
        kept = {sid: replace(each, vote=replace(each.vote, round=notification.round))
                for sid, each in self._received.items() if notification.round > self.round}  # fmt: skip
        super()._weigh_vote(sender, notification, now)
        self._received = {**kept, **self._received}


class NeverAdopts(Election):
    """Mistake: a server always votes for itself."""

    def _is_better(self, vote: Vote, than: Vote) -> bool:
        return False


class WaitsForEveryone(Election):
    """Mistake: a server decides only when it has everybody's vote."""

    def _has_quorum(self, reports: dict[int, Report], report: Report) -> bool:
        return super()._has_quorum(reports, report) and self.electorate <= set(reports)


class NeverTellsAgain(Election):
    """Mistake: lost notifications are not sent again."""

    def on_tick(self, now: int) -> None:
        super().on_tick(now)
        if self.state == ServerState.LOOKING:
            self._sends.clear()


class NeverJoinsRounds(Election):
    """Mistake: later rounds are not joined."""

    def _weigh_vote(self, sender: int, notification: Notification, now: int) -> None:
        if notification.round <= self.round:
            super()._weigh_vote(sender, notification, now)


class NeverAnswers(Election):
    """Mistake: late servers are not told who leads."""

    def _answer(self, sender: int, notification: Notification) -> None:
        return


FIVE = ENSEMBLES["5"]


@pytest.mark.parametrize(
    ("make", "ensemble", "broken"),
    [
        (HighestIdWins, THREE, "leader_has_best_vote"),
        (WeightIgnored, WEIGHED, "leader_has_weight"),
        (LastVoteWins, THREE, "vote_gets_better"),
        (NoCheckOfLeader, FIVE, "reported_leader_said_so"),
        (DecidesAlone, FIVE, "decision_has_quorum"),
        (RoundsIgnored, THREE, "decision_has_quorum"),
        (VotesKept, FIVE, "decision_has_quorum"),
    ],
)
def test_mistake_is_caught(make: Make, ensemble: Ensemble, broken: str) -> None:
    found(disturbances(ensemble), lambda run: broken in disturbed(run, make).broken)


def test_hold_off_that_is_too_short_is_caught() -> None:
    """Server 3 leads with the vote of 1, and 2 with the vote that 1 has taken back."""
    assert undisturbed(SLOW).broken == set()
    assert undisturbed(SLOW, ShortHoldOff).broken == {"agreement"}


@pytest.mark.parametrize("make", [NeverAdopts, WaitsForEveryone, NeverTellsAgain, NeverJoinsRounds])
def test_election_that_may_never_end_is_caught(make: Make) -> None:
    def never_ends(run: Run) -> bool:
        network = disturbed(run, make)
        make_calm(network, 0)
        return network.calm(SOON) is None

    found(disturbances(THREE), never_ends)


def test_latecomer_that_is_never_answered_is_caught() -> None:
    found(delays(THREE), lambda run: not undisturbed(run, NeverAnswers).is_settled())


def found(runs: st.SearchStrategy[Run], is_bad: Callable[[Run], bool]) -> None:
    """Fails if no run is bad."""
    quick = settings(
        max_examples=3000,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    find(runs, is_bad, settings=quick)
