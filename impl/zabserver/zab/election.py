"""A server looks for a leader, and tells others whom it has found. Fast Leader Election, sans-IO.

Who looks votes for itself first, and then for the best that it hears of; it counts what it hears in its own
round. With a quorum for its vote it holds off 200 ms, for a better one to arrive, and decides. Who comes late
believes a quorum of servers that have decided, if their leader itself has said that it leads.

    start            a round begins: everyone is told the first vote
    on_notification  a peer's vote, or its decision; answered in every state
    on_tick          the hold-off is over: decide. Or nothing was heard for long: tell everyone again
    take_sends       what is to go out after each of these
    decided          whom it follows, itself perhaps; `state` says as what

Time is in milliseconds of any clock that does not go back. A server's own vote counts at once, where
ZooKeeper sends it to itself. Who does not vote is told the present vote, where ZooKeeper tells it of the last
election's leader as if that were voted for in this one, which may be the one that has just been lost. Who
is to vote only in an ensemble that is not known to be committed votes for any: with ZooKeeper its history
counts, so that it may refuse all who can be elected. Left out: the oracle for ensembles of two.

ZooKeeper: FastLeaderElection.lookForLeader, WorkerReceiver, Vote, SyncedLearnerTracker. The specification is
`zabspec.fast_election`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from zabserver.wire.election import Notification, ServerState
from zabserver.zab.ensemble import Ensemble, ensemble_from_text

HOLD_OFF = 200
"""How long a server with a quorum waits for a better vote, in ms, unless its patience is less from the start:
tests that ask for less want quick elections. ZooKeeper: finalizeWait, which is always this."""
FIRST_PATIENCE = 200
"""How long it hears nothing before it tells its vote again, in ms; then twice that, and so on.
ZooKeeper: minNotificationInterval."""
MOST_PATIENCE = 60_000
"""The most of that, in ms (ZooKeeper: maxNotificationInterval)."""
MOST_LATER = 1 << 32
"""How much later than ours a round may be: nobody has looked so often. Who joined the last round that there
is a number for could never look again."""
NOBODY = -(1 << 63)
"""Whom a server votes for that cannot be elected itself (ZooKeeper: Long.MIN_VALUE)."""
UNTRUSTED = -1
"""The last zxid of a server that lost its database, or never had one: it does not take part."""

ESTABLISHED = (ServerState.FOLLOWING, ServerState.LEADING)


@dataclass(frozen=True, slots=True)
class Vote:
    """Who is to lead.

    Attributes:
        leader: its id.
        zxid: the last that it has logged.
        round: the election's number (ZooKeeper: electionEpoch).
        epoch: its current epoch, and after the synchronization the new one (ZooKeeper: peerEpoch).
    """

    leader: int
    zxid: int
    round: int
    epoch: int

    @property
    def rank(self) -> tuple[int, int, int]:
        """The greater, the better (ZooKeeper: totalOrderPredicate)."""
        return (self.epoch, self.zxid, self.leader)


@dataclass(frozen=True, slots=True)
class Report:
    """What was heard of one server: its vote, what it was doing, and whether its format had an epoch."""

    vote: Vote
    state: ServerState
    has_version: bool

    def agrees_with(self, other: Report) -> bool:
        """Whether two agree.

        Between two that have decided, leader and epoch count, as they may remember different zxids and rounds
        (ZOOKEEPER-1805); only the leader, if one is so old that its epoch is another (ZOOKEEPER-1732).

        ZooKeeper: Vote.equals.
        """
        if ServerState.LOOKING in (self.state, other.state):
            return self.vote == other.vote
        if self.has_version != other.has_version:
            return self.vote.leader == other.vote.leader
        return (self.vote.leader, self.vote.epoch) == (other.vote.leader, other.vote.epoch)


class Election:
    """One server's part in elections, as long as its process lives.

    Args:
        me: its id.
        ensemble: the configuration that is committed.
        last_seen: a later one that was proposed to it, if there is one: both must have quorums.
        have_delivered: whether some peer has got all that was sent to it; nothing is told again until then.
        first_patience, most_patience: how long it hears nothing before it tells its vote again, at first and
            at most, in ms.

    Attributes:
        state: LOOKING from `start` to the decision; then what it is to be.
        round: of its election, the present or the last one.
        vote: its present vote while it looks; then the decision.
        decided: the decision; None while it looks.
        newer: a later configuration that a peer has, heard of while this server looks. Whoever runs the core
            stores it, calls `set_ensemble` and then `start`.
    """

    def __init__(
        self,
        me: int,
        ensemble: Ensemble,
        last_seen: Ensemble | None = None,
        have_delivered: Callable[[], bool] = lambda: True,
        first_patience: int = FIRST_PATIENCE,
        most_patience: int = MOST_PATIENCE,
    ) -> None:
        self.me = me
        self.state = ServerState.LOOKING
        self.round = 0
        self.vote: Vote | None = None
        self.decided: Vote | None = None
        self.newer: Ensemble | None = None
        self._have_delivered = have_delivered
        self._first: Vote | None = None
        self._received: dict[int, Report] = {}  # of this round (recvset)
        self._outside: dict[int, Report] = {}  # of those that have decided (outofelection)
        self._first_patience, self._most_patience = first_patience, most_patience
        self._hold_off = min(HOLD_OFF, first_patience)
        self._patience = first_patience
        self._due: int | None = None
        self._holds_off = False
        self._sends: list[tuple[int, Notification]] = []
        self.set_ensemble(ensemble, last_seen)

    # What happens to it.

    def start(self, zxid: int, epoch: int, now: int) -> None:
        """Begins to look for a leader, in a round of its own.

        Args:
            zxid: the last that this server has logged; -1 if its database cannot be trusted.
            epoch: its current epoch.
            now: the time, in ms.
        """
        self.round += 1
        self.state = ServerState.LOOKING
        self.decided = self.newer = None
        is_voter = self.me in self.ensemble.voters
        has_no_history = not is_voter and self.me in self.electorate | self.ensemble.observers
        self._first = Vote(
            self.me if is_voter else NOBODY,
            NOBODY if has_no_history else zxid,
            self.round,
            NOBODY if has_no_history else epoch,
        )
        self._received, self._outside = {}, {}
        self._patience = self._first_patience
        self._holds_off = False
        self._wait(now)
        self._propose(self._first, now)

    def on_notification(self, sender: int, notification: Notification, now: int) -> None:
        """A peer's notification has come.

        Args:
            sender: its id.
            notification: what it says.
            now: the time, in ms.
        """
        if self.vote is None or self._first is None or self._notices_newer_ensemble(notification):
            return
        self._answer(sender, notification)
        if sender not in self.electorate:
            return
        if self.state != ServerState.LOOKING or notification.round > self.round + MOST_LATER:
            return
        better = self._is_better(_vote_of(notification), self.vote)
        self._wait(now)
        if self._holds_off:
            if not better:
                self._due = now + self._hold_off
                return
            self._holds_off = False
        if notification.leader not in self.electorate:
            return
        if notification.state == ServerState.LOOKING:
            self._weigh_vote(sender, notification, now)
        elif notification.state in ESTABLISHED:
            self._weigh_report(sender, notification)

    def on_tick(self, now: int) -> None:
        """The clock stands at `now`: decides, or tells its vote again, if that is due."""
        if self._due is None or now < self._due or self.vote is None:
            return
        if self._holds_off:
            self._decide(self.vote)
            return
        self._patience = min(2 * self._patience, self._most_patience)
        self._wait(now)
        if self._have_delivered():
            self._propose(self.vote, now)

    def on_synchronized(self, epoch: int) -> None:
        """The ensemble works in a new epoch: who comes late is told of that one.

        ZooKeeper: QuorumPeer.updateElectionVote.
        """
        if self.decided is not None:
            self.vote = self.decided = replace(self.decided, epoch=epoch)

    def designate(self, leader: int, zxid: int) -> None:
        """A reconfiguration says who leads: that is decided, without an election.

        ZooKeeper: QuorumPeer.updateVote.
        """
        epoch = 0 if self.decided is None else self.decided.epoch
        self._decide(Vote(leader, zxid, self.round, epoch))

    def set_ensemble(self, ensemble: Ensemble, last_seen: Ensemble | None = None) -> None:
        """The configuration has changed. While this server looks, `start` is to follow.

        Args:
            ensemble: the one that is committed.
            last_seen: a later one that was proposed to this server, if there is one.
        """
        self.ensemble = ensemble
        self.electorate = ensemble.voters | (last_seen.voters if last_seen else frozenset())
        is_later = last_seen is not None and last_seen.version > ensemble.version
        self._verifiers = (ensemble, last_seen) if last_seen and is_later else (ensemble,)
        self._config = ensemble.text().encode()

    # What is to be done.

    def take_sends(self) -> list[tuple[int, Notification]]:
        """What is to be sent, and to whom; the next call gives what has come since."""
        sends, self._sends = self._sends, []
        return sends

    @property
    def next_due(self) -> int | None:
        """When `on_tick` has something to do, in ms; None while nothing waits for time."""
        return self._due

    # Answers, in every state (ZooKeeper: WorkerReceiver).

    def _notices_newer_ensemble(self, notification: Notification) -> bool:
        """Whether a peer has a later configuration, with which this one's election is to begin again."""
        if self.state != ServerState.LOOKING or notification.config in (b"", self._config):
            return False
        try:
            theirs = ensemble_from_text(notification.config.decode())
        except ValueError:  # it has a vote all the same
            return False
        if theirs.version <= self.ensemble.version:
            return False
        if self.newer is None or theirs.version > self.newer.version:
            self.newer = theirs
        return not theirs.has_the_same_members(self.ensemble)

    def _answer(self, sender: int, notification: Notification) -> None:
        """Tells one that looks what this server has decided, or that it looks in a later round.

        Who does not vote is told in any round: it takes no part in telling. If it told others of its own
        round, as in ZooKeeper, each would answer the other as fast as the network goes.
        """
        if notification.state != ServerState.LOOKING or self.vote is None or sender == self.me:
            return
        has_a_say = self.me in self.ensemble.voters
        is_behind = notification.round < self.round or sender not in self.electorate
        if self.state != ServerState.LOOKING or (has_a_say and is_behind):
            self._send(sender, self.vote)

    def _send(self, receiver: int, vote: Vote) -> None:
        told = Notification(self.state, vote.leader, vote.zxid, vote.round, vote.epoch, config=self._config)
        self._sends.append((receiver, told))

    # While it looks (ZooKeeper: lookForLeader).

    def _is_better(self, vote: Vote, than: Vote) -> bool:
        """Whether a vote beats another. One without weight beats none."""
        return self.ensemble.weight(vote.leader) != 0 and vote.rank > than.rank

    def _propose(self, vote: Vote, now: int) -> None:
        """Votes, and tells everyone; this server's own vote counts as any other's."""
        self.vote = vote
        for sid in sorted(self.electorate - {self.me}):
            self._send(sid, vote)
        has_a_say = self.me in self.electorate and vote.leader in self.electorate
        if has_a_say and UNTRUSTED not in (self._first_zxid, vote.zxid):
            self._received[self.me] = _voted(vote)
            self._count(now)

    def _weigh_vote(self, sender: int, notification: Notification, now: int) -> None:
        """A peer looks, too: joins its round, or its vote, if they are better; counts it."""
        if self.vote is None or self._first is None or UNTRUSTED in (self._first_zxid, notification.zxid):
            return
        vote = _vote_of(notification)
        if vote.round < self.round:
            return
        if vote.round > self.round:
            self.round = vote.round
            self._received.clear()
            first = replace(self._first, round=vote.round)
            self._propose(vote if self._is_better(vote, first) else first, now)
        elif self._is_better(vote, self.vote):
            self._propose(vote, now)
        self._received[sender] = _voted(vote)
        self._count(now)

    def _weigh_report(self, sender: int, notification: Notification) -> None:
        """A peer has decided: decides so too, if a quorum says the same and the leader says that it leads.

        ZooKeeper: receivedFollowingNotification. Reports of one's own round are kept there without their
        version, so that they agree if they name one leader.
        """
        vote = _vote_of(notification)
        report = Report(vote, notification.state, notification.version > 0)
        if vote.round == self.round:
            self._received[sender] = replace(report, has_version=False)
            if self._is_settled(self._received, report):
                self._decide(vote)
                return
        self._outside[sender] = report
        if self._is_settled(self._outside, report):
            self.round = vote.round
            self._decide(vote)

    def _is_settled(self, reports: dict[int, Report], report: Report) -> bool:
        return self._has_quorum(reports, report) and self._is_led(reports, report.vote)

    def _is_led(self, reports: dict[int, Report], vote: Vote) -> bool:
        """Whether the leader itself has said that it leads: others may not know yet that it has crashed.

        If they say that it is this server, it must be of this round. ZooKeeper: checkLeader.
        """
        if vote.leader == self.me:
            return vote.round == self.round
        leader = reports.get(vote.leader)
        return leader is not None and leader.state == ServerState.LEADING

    def _has_quorum(self, reports: dict[int, Report], report: Report) -> bool:
        """Whether those that say the same are a quorum, of the next configuration too if there is one.

        Who has decided may not know of that, and is followed without: with ZooKeeper, never.
        """
        agreeing = [sid for sid, each in reports.items() if report.agrees_with(each)]
        verifiers = self._verifiers if report.state == ServerState.LOOKING else self._verifiers[:1]
        return all(verifier.is_quorum(agreeing) for verifier in verifiers)

    def _count(self, now: int) -> None:
        """With a quorum for its vote it holds off."""
        if self.vote is not None and self._has_quorum(self._received, _voted(self.vote)):
            self._holds_off = True
            self._due = now + self._hold_off

    def _decide(self, vote: Vote) -> None:
        self.vote = self.decided = vote
        self._holds_off, self._due = False, None
        self._received, self._outside = {}, {}
        if vote.leader == self.me:
            self.state = ServerState.LEADING
        elif self.me in self.ensemble.observers:
            self.state = ServerState.OBSERVING
        else:
            self.state = ServerState.FOLLOWING

    def _wait(self, now: int) -> None:
        """It is patient again from now on."""
        self._due = now + self._patience

    @property
    def _first_zxid(self) -> int:
        return self._first.zxid if self._first is not None else UNTRUSTED


def _vote_of(notification: Notification) -> Vote:
    return Vote(notification.leader, notification.zxid, notification.round, notification.epoch)


def _voted(vote: Vote) -> Report:
    """What a server says that looks; votes of those are compared whole, so that no version matters."""
    return Report(vote, ServerState.LOOKING, has_version=False)
