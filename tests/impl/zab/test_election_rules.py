"""One server's election, rule by rule, as in ZooKeeper's FastLeaderElection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zabserver.wire.election import Notification, ServerState
from zabserver.zab.election import HOLD_OFF, NOBODY, Election, Vote
from zabserver.zab.ensemble import Ensemble, Member

LOOKING, FOLLOWING, LEADING, OBSERVING = ServerState


def ensemble_of(voters: int, observers: tuple[int, ...] = (), version: int = 0) -> Ensemble:
    members = {sid: Member(sid, "h", 1, 2) for sid in range(1, voters + 1)}
    members |= {sid: Member(sid, "h", 1, 2, is_observer=True) for sid in observers}
    return Ensemble(members, version=version)


def looking(me: int, ensemble: Ensemble, zxid: int = 10, epoch: int = 1) -> Election:
    """Returns a server that has just started to look for a leader, at time 0; its first notifications are
    removed.
    """
    election = Election(me, ensemble)
    election.start(zxid, epoch, 0)
    election.take_sends()
    return election


def said(state: ServerState, leader: int, zxid: int = 10, in_round: int = 1, epoch: int = 1) -> Notification:
    return Notification(state, leader, zxid, in_round, epoch)


def sent(election: Election) -> list[tuple[int, ServerState, int, int, int, int]]:
    """Returns the receiver and the contents of each notification sent."""
    return [(sid, n.state, n.leader, n.zxid, n.round, n.epoch) for sid, n in election.take_sends()]


# The beginning.


def test_it_tells_every_other_voter_its_first_vote() -> None:
    election = Election(2, ensemble_of(3, observers=(4,)))
    assert election.next_due is None
    election.start(10, 1, 0)
    told = election.take_sends()
    assert [sid for sid, _ in told] == [1, 3]
    assert told[0][1] == Notification(LOOKING, 2, 10, 1, 1, config=election.ensemble.text().encode())
    assert (election.vote, election.decided, election.state) == (Vote(2, 10, 1, 1), None, LOOKING)


def test_observer_votes_for_nobody_and_decides_with_a_quorum() -> None:
    election = Election(4, ensemble_of(3, observers=(4,)))
    election.start(10, 1, 0)
    assert [each[1:] for each in sent(election)] == [(LOOKING, NOBODY, NOBODY, 1, NOBODY)] * 3
    election.on_notification(1, said(LOOKING, 3), 1)
    election.on_notification(2, said(LOOKING, 3), 2)
    election.on_tick(2 + HOLD_OFF)
    assert (election.state, election.decided) == (OBSERVING, Vote(3, 10, 1, 1))


def test_stranger_to_the_configuration_cannot_be_elected_and_follows() -> None:
    election = Election(9, ensemble_of(3))
    election.start(99, 1, 0)
    assert sent(election)[0] == (1, LOOKING, NOBODY, 99, 1, 1)
    election.on_notification(1, said(FOLLOWING, 3), 1)
    election.on_notification(3, said(LEADING, 3), 1)
    assert election.state == FOLLOWING


def test_alone_it_elects_itself_after_the_hold_off() -> None:
    election = looking(1, ensemble_of(1))
    election.on_tick(HOLD_OFF - 1)
    assert election.decided is None
    election.on_tick(HOLD_OFF)
    assert (election.state, election.decided, election.next_due) == (LEADING, Vote(1, 10, 1, 1), None)


# Votes of those that look.


@pytest.mark.parametrize(
    ("vote", "is_adopted"),
    [
        (said(LOOKING, 1, zxid=10, epoch=2), True),
        (said(LOOKING, 1, zxid=11), True),
        (said(LOOKING, 3), True),
        (said(LOOKING, 1), False),
        (said(LOOKING, 3, zxid=9), False),
        (said(LOOKING, 3, zxid=99, epoch=0), False),
    ],
)
def test_better_vote_is_adopted_and_told(vote: Notification, is_adopted: bool) -> None:
    """Compares votes by epoch, then zxid, then id."""
    election = looking(2, ensemble_of(3))
    election.on_notification(3, vote, 1)
    assert election.vote is not None
    assert (election.vote.leader == vote.leader) is is_adopted
    assert len(election.take_sends()) == (2 if is_adopted else 0)


def test_later_round_is_joined_with_the_better_of_its_vote_and_the_first() -> None:
    """Votes of the earlier round do not count: server 1 voted for 3 in it."""
    election = looking(2, ensemble_of(5))
    election.on_notification(1, said(LOOKING, 3), 1)
    election.take_sends()
    election.on_notification(1, said(LOOKING, 1, in_round=5), 2)
    assert (election.vote, election.round) == (Vote(2, 10, 5, 1), 5)
    assert sent(election) == [(sid, LOOKING, 2, 10, 5, 1) for sid in (1, 3, 4, 5)]


def test_votes_of_the_earlier_round_do_not_count_in_the_later() -> None:
    election = looking(3, ensemble_of(5))
    election.on_notification(1, said(LOOKING, 3), 1)
    election.on_notification(2, said(LOOKING, 1, in_round=2), 2)
    election.on_notification(4, said(LOOKING, 3, in_round=2), 3)
    election.on_tick(4000)
    assert election.decided is None


def test_earlier_round_is_answered_and_not_counted() -> None:
    election = looking(2, ensemble_of(3))
    election.on_notification(1, said(LOOKING, 1, in_round=4), 1)
    election.take_sends()
    election.on_notification(3, said(LOOKING, 2, in_round=3), 2)
    assert sent(election) == [(3, LOOKING, 2, 10, 4, 1)]
    election.on_tick(2 + HOLD_OFF)
    assert election.decided is None


def test_vote_for_or_by_one_that_does_not_vote_is_ignored() -> None:
    election = looking(2, ensemble_of(3, observers=(4,)))
    election.on_notification(3, said(LOOKING, 4, zxid=99), 1)
    election.on_notification(3, said(LOOKING, 77, zxid=99), 1)
    assert election.vote == Vote(2, 10, 1, 1)
    assert election.take_sends() == []


def test_server_without_a_trusted_database_takes_no_part() -> None:
    """As in ZooKeeper: zxid -1, `zookeeper.db.autocreate=false`."""
    election = looking(3, ensemble_of(3), zxid=-1)
    election.on_notification(1, said(LOOKING, 3, zxid=-1), 1)
    election.on_notification(1, said(LOOKING, 1, zxid=99), 1)
    assert election.vote == Vote(3, -1, 1, 1)
    other = looking(1, ensemble_of(3))
    other.on_notification(3, said(LOOKING, 3, zxid=-1, epoch=9), 1)
    assert other.vote == Vote(1, 10, 1, 1)
    assert other.next_due == 1 + 200  # it has no quorum either
    election.on_notification(1, said(FOLLOWING, 2), 2)
    election.on_notification(2, said(LEADING, 2), 2)
    assert election.state == FOLLOWING


def test_vote_without_weight_is_never_better() -> None:
    groups = {1: frozenset({1, 2, 3})}
    ensemble = replace(ensemble_of(3), groups=groups, weights={3: 0})
    election = looking(1, ensemble)
    election.on_notification(3, said(LOOKING, 3, zxid=99, epoch=9), 1)
    assert election.vote == Vote(1, 10, 1, 1)


# The hold-off.


def with_quorum() -> Election:
    """Returns server 2 of three, with the vote of 1 for it, at time 100."""
    election = looking(2, ensemble_of(3))
    election.on_notification(1, said(LOOKING, 2), 100)
    return election


def test_quorum_decides_after_the_hold_off() -> None:
    election = with_quorum()
    assert election.next_due == 100 + HOLD_OFF
    election.on_tick(99 + HOLD_OFF)
    assert election.state == LOOKING
    election.on_tick(100 + HOLD_OFF)
    assert (election.state, election.decided) == (LEADING, Vote(2, 10, 1, 1))
    assert election.vote == election.decided


def test_better_vote_ends_the_hold_off() -> None:
    election = with_quorum()
    election.on_notification(3, said(LOOKING, 3), 250)
    assert election.vote == Vote(3, 10, 1, 1)
    election.on_tick(250 + HOLD_OFF)
    assert (election.state, election.decided) == (FOLLOWING, Vote(3, 10, 1, 1))


def test_other_votes_lengthen_the_hold_off_and_are_discarded() -> None:
    election = with_quorum()
    election.on_notification(3, said(LOOKING, 1, in_round=7), 250)
    assert (election.round, election.next_due) == (1, 250 + HOLD_OFF)
    election.on_tick(250 + HOLD_OFF)
    assert election.state == LEADING


def test_better_vote_of_an_earlier_round_ends_the_hold_off_and_is_then_ignored() -> None:
    """The hold-off starts again when the server sends its vote again, as in ZooKeeper, and then it
    decides.
    """
    election = looking(2, ensemble_of(3))
    election.on_notification(1, said(LOOKING, 2, in_round=3), 100)
    election.on_notification(3, said(LOOKING, 3, in_round=2), 200)
    assert (election.decided, election.next_due) == (None, 400)
    election.on_tick(400)
    assert election.next_due == 400 + HOLD_OFF
    election.on_tick(400 + HOLD_OFF)
    assert election.decided == Vote(2, 10, 3, 1)


# Reports of those that have decided.


def test_latecomer_believes_a_quorum_and_its_leader() -> None:
    election = looking(1, ensemble_of(5), zxid=99, epoch=9)
    election.on_notification(2, said(FOLLOWING, 5, in_round=7), 1)
    election.on_notification(3, said(FOLLOWING, 5, zxid=8, in_round=6), 2)
    assert election.decided is None
    election.on_notification(5, said(LEADING, 5, in_round=7), 3)
    assert (election.state, election.decided, election.round) == (FOLLOWING, Vote(5, 10, 7, 1), 7)


def test_leader_that_has_not_said_so_is_not_believed_in() -> None:
    """ZooKeeper: checkLeader. The leader may have crashed before its followers noticed."""
    election = looking(1, ensemble_of(5))
    for sender in (2, 3, 4):
        election.on_notification(sender, said(FOLLOWING, 5), sender)
        election.on_notification(sender, said(FOLLOWING, 5, in_round=7), sender)
    election.on_notification(5, said(LOOKING, 5, zxid=1), 9)
    assert election.state == LOOKING


def test_those_that_believe_this_server_to_lead_must_do_so_in_its_round() -> None:
    election = looking(1, ensemble_of(3))
    election.on_notification(2, said(FOLLOWING, 1, in_round=7), 1)
    election.on_notification(3, said(FOLLOWING, 1, in_round=7), 2)
    assert election.state == LOOKING
    election.on_notification(2, said(FOLLOWING, 1, in_round=1), 3)
    election.on_notification(3, said(FOLLOWING, 1, in_round=1), 4)
    assert (election.state, election.decided) == (LEADING, Vote(1, 10, 1, 1))


def test_two_epochs_do_not_agree_unless_one_is_of_an_old_format() -> None:
    """ZooKeeper: Vote.equals; ZOOKEEPER-1732, ZOOKEEPER-1805."""
    election = looking(1, ensemble_of(3))
    election.on_notification(2, said(FOLLOWING, 3, in_round=7, epoch=4), 1)
    election.on_notification(3, said(LEADING, 3, in_round=7, epoch=5), 2)
    assert election.state == LOOKING
    election.on_notification(3, replace(said(LEADING, 3, in_round=7, epoch=5), version=0), 3)
    assert election.state == FOLLOWING


def test_reports_of_its_own_round_agree_on_the_leader_alone() -> None:
    """As in ZooKeeper, which keeps them as votes without a version."""
    election = looking(1, ensemble_of(5))
    election.on_notification(2, said(FOLLOWING, 5, epoch=3), 1)
    election.on_notification(3, said(FOLLOWING, 5, epoch=4), 2)
    election.on_notification(5, said(LEADING, 5, epoch=5), 3)
    assert (election.state, election.decided) == (FOLLOWING, Vote(5, 10, 1, 5))


def test_report_and_vote_must_agree_in_everything() -> None:
    election = looking(1, ensemble_of(5))
    election.on_notification(2, said(LOOKING, 5), 1)
    election.on_notification(3, said(FOLLOWING, 5, zxid=11), 2)
    election.on_notification(5, said(LEADING, 5, zxid=11), 3)
    assert election.state == LOOKING


def test_report_of_an_observer_is_ignored() -> None:
    election = looking(1, ensemble_of(3))
    election.on_notification(2, said(OBSERVING, 3), 1)
    election.on_notification(3, said(OBSERVING, 3), 1)
    assert (election.state, election.take_sends()) == (LOOKING, [])


# Answers when it has decided.


def leading() -> Election:
    election = with_quorum()
    election.on_tick(100 + HOLD_OFF)
    election.take_sends()
    return election


def test_decided_server_answers_those_that_look_alone() -> None:
    election = leading()
    election.on_notification(3, said(LOOKING, 3, zxid=99, in_round=8), 999)
    assert sent(election) == [(3, LEADING, 2, 10, 1, 1)]
    election.on_notification(1, said(FOLLOWING, 2), 999)
    assert (election.take_sends(), election.state, election.next_due) == ([], LEADING, None)


def test_epoch_of_the_decision_is_the_new_one_after_the_synchronization() -> None:
    election = leading()
    election.on_synchronized(2)
    election.on_notification(3, said(LOOKING, 3, in_round=8), 999)
    assert sent(election) == [(3, LEADING, 2, 10, 1, 2)]
    assert election.vote == election.decided == Vote(2, 10, 1, 2)


def test_non_voter_is_told_the_present_vote_in_every_state() -> None:
    election = leading()
    election.on_notification(77, said(LOOKING, NOBODY, in_round=8), 999)
    election.on_notification(77, said(OBSERVING, 2), 999)
    assert sent(election) == [(77, LEADING, 2, 10, 1, 1)]
    election.start(20, 2, 1000)
    election.take_sends()
    election.on_notification(77, said(LOOKING, NOBODY, in_round=8), 1001)
    assert sent(election) == [(77, LOOKING, 2, 20, 2, 2)]
    assert (election.vote, election.decided, election.round) == (Vote(2, 20, 2, 2), None, 2)


# Time.


def test_it_tells_its_vote_again_ever_more_seldom() -> None:
    election = looking(1, ensemble_of(3))
    times = []
    for _ in range(11):
        now = election.next_due
        assert now is not None
        election.on_tick(now - 1)
        assert election.take_sends() == []
        election.on_tick(now)
        assert len(election.take_sends()) == 2
        times.append(now)
    waits = [after - before for before, after in zip([0, *times], times, strict=False)]
    assert waits == [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]


def test_what_it_hears_makes_it_wait() -> None:
    election = looking(1, ensemble_of(5))
    election.on_notification(2, said(LOOKING, 1), 150)
    assert election.next_due == 350


def test_nothing_is_told_again_that_nobody_has_got_yet() -> None:
    delivered = False
    election = Election(1, ensemble_of(3), have_delivered=lambda: delivered)
    election.start(10, 1, 0)
    election.take_sends()
    election.on_tick(200)
    assert (election.take_sends(), election.next_due) == ([], 600)
    delivered = True
    election.on_tick(600)
    assert len(election.take_sends()) == 2


def test_patience_is_as_it_is_told_and_so_is_a_short_hold_off() -> None:
    election = Election(1, ensemble_of(3), first_patience=20, most_patience=50)
    election.start(10, 1, 0)
    assert election.next_due == 20
    election.on_tick(20)
    assert election.next_due == 60
    election.on_tick(60)
    assert election.next_due == 110
    election.on_notification(2, said(LOOKING, 1), 70)
    assert election.next_due == 90
    election.on_tick(89)
    assert election.decided is None
    election.on_tick(90)
    assert election.state == LEADING


def test_a_long_patience_makes_no_longer_hold_off() -> None:
    election = Election(1, ensemble_of(1), first_patience=1000)
    election.start(10, 1, 0)
    assert election.next_due == HOLD_OFF


# Configurations.


def test_newer_configuration_is_kept_for_whoever_runs_it() -> None:
    election = looking(1, ensemble_of(3))
    newer = ensemble_of(4, version=5)
    election.on_notification(2, replace(said(LOOKING, 3, zxid=99), config=newer.text().encode()), 1)
    assert election.newer == newer
    assert election.vote == Vote(1, 10, 1, 1)
    election.set_ensemble(newer)
    election.start(10, 1, 2)
    assert [(each[0], each[4]) for each in sent(election)] == [(2, 2), (3, 2), (4, 2)]
    assert election.newer is None


@pytest.mark.parametrize("config", [ensemble_of(3).text().encode(), b"junk", b"\xff"])
def test_vote_counts_with_a_configuration_that_is_not_newer(config: bytes) -> None:
    election = looking(1, ensemble_of(3))
    election.on_notification(2, replace(said(LOOKING, 3), config=config), 1)
    assert (election.newer, election.vote) == (None, Vote(3, 10, 1, 1))


def test_vote_counts_with_a_configuration_that_is_newer_by_its_version_alone() -> None:
    election = looking(1, ensemble_of(3))
    newer = ensemble_of(3, version=5)
    election.on_notification(2, replace(said(LOOKING, 3), config=newer.text().encode()), 1)
    assert (election.newer, election.vote) == (newer, Vote(3, 10, 1, 1))


def test_decided_server_takes_no_configuration_from_votes() -> None:
    election = leading()
    newer = ensemble_of(4, version=5).text().encode()
    election.on_notification(3, replace(said(LOOKING, 3), config=newer), 999)
    assert (election.newer, len(election.take_sends())) == (None, 1)


def test_both_configurations_must_have_quorums() -> None:
    members = {sid: Member(sid, "h", 1, 2) for sid in (3, 4, 5)}
    election = Election(3, ensemble_of(3), last_seen=Ensemble(members, version=9))
    election.start(10, 1, 0)
    assert [each[0] for each in sent(election)] == [1, 2, 4, 5]
    election.on_notification(2, said(LOOKING, 3), 1)
    election.on_tick(1000)
    assert election.decided is None
    election.on_notification(4, said(LOOKING, 3), 1100)
    election.on_tick(1100 + HOLD_OFF)
    assert election.state == LEADING
