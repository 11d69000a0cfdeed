"""Fast Leader Election, sans-IO: a server looks for a leader, and answers others that look.

A looking server votes for itself first, and then for the best vote it hears of; it counts the votes of its
own round. Once a quorum has its vote it holds off for 200 ms, in case a better one arrives, and decides. A
server that comes late joins a quorum of servers that have decided, if the leader itself says that it leads.

    start            begins a round: everyone is sent the first vote
    on_notification  handles a peer's vote or decision; answered in every state
    on_tick          decides when the hold-off is over, or sends the vote again after a timeout
    take_sends       what is to be sent after each of these
    decided          the elected leader, maybe this server; `state` says in which role

Times are milliseconds of any clock that does not go back. Departures from ZooKeeper: A server counts its own
vote at once, where ZooKeeper sends it to itself. A server that does not vote is sent the present vote, where
ZooKeeper sends it the leader of the last election as if that were a vote in this one; that leader may just
have been lost. A server that will vote only in an ensemble that is not known to be committed votes for any
candidate; in ZooKeeper its own history counts, so it may refuse all who can be elected. The oracle for
ensembles of two is left out.

ZooKeeper: FastLeaderElection.lookForLeader, WorkerReceiver, Vote, SyncedLearnerTracker. The specification is
`zabspec.fast_election`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from zabserver.wire.election import Notification, ServerState
from zabserver.zab.ensemble import Ensemble, ensemble_from_text

HOLD_OFF = 200
"""How long a server whose vote has a quorum waits for a better one, in ms (ZooKeeper: finalizeWait).

Less if the first retransmission timeout is less, for quick elections in tests. In ZooKeeper it is
fixed."""
FIRST_PATIENCE = 200
"""How long a server hears nothing before it sends its vote again, in ms; doubled each time.

ZooKeeper: minNotificationInterval."""
MOST_PATIENCE = 60_000
"""The longest such timeout, in ms (ZooKeeper: maxNotificationInterval)."""
MOST_AHEAD = 1 << 32
"""How far ahead of ours a peer's round may be. No server has looked so often, and one that joined the last
representable round could never begin another."""
NOBODY = -(1 << 63)
"""The vote of a server that cannot be elected itself (ZooKeeper: Long.MIN_VALUE)."""
UNTRUSTED = -1
"""The last zxid of a server that has lost its database, or never had one: it takes no part in elections."""

ESTABLISHED = (ServerState.FOLLOWING, ServerState.LEADING)


@dataclass(frozen=True, slots=True)
class Vote:
    """A vote for a leader (ZooKeeper: Vote).

    Attributes:
        leader: the id of the candidate.
        zxid: the last zxid that the candidate has logged.
        round: the election round (ZooKeeper: electionEpoch).
        epoch: the candidate's current epoch, and after synchronization the new one (ZooKeeper: peerEpoch).
    """

    leader: int
    zxid: int
    round: int
    epoch: int

    @property
    def rank(self) -> tuple[int, int, int]:
        """The order of votes: the greater is the better one (ZooKeeper: totalOrderPredicate)."""
        return (self.epoch, self.zxid, self.leader)


@dataclass(frozen=True, slots=True)
class Report:
    """The last vote and state received from a server.

    Attributes:
        vote: its vote or decision.
        state: its state.
        has_version: True if its format has an epoch.
    """

    vote: Vote
    state: ServerState
    has_version: bool

    def agrees_with(self, other: Report) -> bool:
        """True if two reports name the same vote.

        Reports of servers that have decided are compared by leader and epoch, since these may remember
        different zxids and rounds (ZOOKEEPER-1805); only by leader if one is too old to have the epoch
        (ZOOKEEPER-1732).

        ZooKeeper: Vote.equals.
        """
        if ServerState.LOOKING in (self.state, other.state):
            return self.vote == other.vote
        if self.has_version != other.has_version:
            return self.vote.leader == other.vote.leader
        return (self.vote.leader, self.vote.epoch) == (other.vote.leader, other.vote.epoch)


class Election:
    """A server's part in elections, for the lifetime of its process.

    Args:
        me: the id of the server.
        ensemble: the configuration that is committed.
        last_seen: a later configuration that was proposed to the server, if there is one: a vote needs
            quorums of both.
        have_delivered: returns True if all messages to some peer have been delivered; until then a vote is
            not sent again.
        first_patience, most_patience: the first and the longest timeout, in ms, after which a vote is sent
            again.

    Attributes:
        state: LOOKING from `start` to the decision, then the role.
        round: the present or last election round.
        vote: the present vote; after the decision, the elected leader.
        decided: the elected leader; None while looking.
        newer: a later configuration received from a peer while looking. The caller stores it, calls
            `set_ensemble` and then `start`.
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
        self._received: dict[int, Report] = {}  # in this round (recvset)
        self._outside: dict[int, Report] = {}  # from servers that have decided (outofelection)
        self._first_patience, self._most_patience = first_patience, most_patience
        self._hold_off = min(HOLD_OFF, first_patience)
        self._patience = first_patience
        self._due: int | None = None
        self._holds_off = False
        self._sends: list[tuple[int, Notification]] = []
        self.set_ensemble(ensemble, last_seen)

    # Input.

    def start(self, zxid: int, epoch: int, now: int) -> None:
        """Begins to look for a leader, in a new round.

        Args:
            zxid: the last zxid that this server has logged; -1 if its database cannot be trusted.
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
        """Handles a notification from a peer.

        Args:
            sender: the id of the peer.
            notification: the notification.
            now: the time, in ms.
        """
        if self.vote is None or self._first is None or self._notices_newer_ensemble(notification):
            return
        self._answer(sender, notification)
        if sender not in self.electorate:
            return
        if self.state != ServerState.LOOKING or notification.round > self.round + MOST_AHEAD:
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
        """Decides when the hold-off is over, or sends the vote again after a timeout."""
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
        """Sets the new epoch of the elected leader, for servers that come late.

        ZooKeeper: QuorumPeer.updateElectionVote.
        """
        if self.decided is not None:
            self.vote = self.decided = replace(self.decided, epoch=epoch)

    def designate(self, leader: int, zxid: int) -> None:
        """Decides for the leader that a reconfiguration designates, without an election.

        ZooKeeper: QuorumPeer.updateVote.
        """
        epoch = 0 if self.decided is None else self.decided.epoch
        self._decide(Vote(leader, zxid, self.round, epoch))

    def set_ensemble(self, ensemble: Ensemble, last_seen: Ensemble | None = None) -> None:
        """Sets the configuration. While this server looks, `start` must follow.

        Args:
            ensemble: the configuration that is committed.
            last_seen: a later configuration that was proposed to this server, if there is one.
        """
        self.ensemble = ensemble
        self.electorate = ensemble.voters | (last_seen.voters if last_seen else frozenset())
        is_later = last_seen is not None and last_seen.version > ensemble.version
        self._verifiers = (ensemble, last_seen) if last_seen and is_later else (ensemble,)
        self._config = ensemble.text().encode()

    # Output.

    def take_sends(self) -> list[tuple[int, Notification]]:
        """Returns the notifications to send with their receivers, and clears them."""
        sends, self._sends = self._sends, []
        return sends

    @property
    def next_due(self) -> int | None:
        """When `on_tick` must be called next, in ms; None if no timeout is running."""
        return self._due

    # Answering, in every state (ZooKeeper: WorkerReceiver).

    def _notices_newer_ensemble(self, notification: Notification) -> bool:
        """Stores a peer's later configuration; returns True if its members require a new election."""
        if self.state != ServerState.LOOKING or notification.config in (b"", self._config):
            return False
        try:
            theirs = ensemble_from_text(notification.config.decode())
        except ValueError:  # its vote counts nevertheless
            return False
        if theirs.version <= self.ensemble.version:
            return False
        if self.newer is None or theirs.version > self.newer.version:
            self.newer = theirs
        return not theirs.has_the_same_members(self.ensemble)

    def _answer(self, sender: int, notification: Notification) -> None:
        """Sends a looking peer this server's decision, or its vote if the peer's round is earlier.

        A server that does not vote is answered in any round. A server answers with its own round only if the
        peer counts its vote: otherwise, as in ZooKeeper, the two would answer each other as fast as the
        network allows.
        """
        if notification.state != ServerState.LOOKING or self.vote is None or sender == self.me:
            return
        is_behind = notification.round < self.round or sender not in self.electorate
        if self.state != ServerState.LOOKING or (is_behind and self._has_a_say(notification)):
            self._send(sender, self.vote)

    def _has_a_say(self, notification: Notification) -> bool:
        """True if this server votes, by its own configuration and by that of a notification's sender."""
        if self.me not in self.ensemble.voters:
            return False
        if notification.config in (b"", self._config):
            return True
        try:
            theirs = ensemble_from_text(notification.config.decode())
        except ValueError:
            return True
        return self.me in theirs.voters

    def _send(self, receiver: int, vote: Vote) -> None:
        notification = Notification(
            self.state, vote.leader, vote.zxid, vote.round, vote.epoch, config=self._config
        )
        self._sends.append((receiver, notification))

    # Looking for a leader (ZooKeeper: lookForLeader).

    def _is_better(self, vote: Vote, than: Vote) -> bool:
        """True if a vote beats another. A vote for a server without weight beats none."""
        return self.ensemble.weight(vote.leader) != 0 and vote.rank > than.rank

    def _propose(self, vote: Vote, now: int) -> None:
        """Votes, sends the vote to everyone, and counts this server's own vote."""
        self.vote = vote
        for sid in sorted(self.electorate - {self.me}):
            self._send(sid, vote)
        has_a_say = self.me in self.electorate and vote.leader in self.electorate
        if has_a_say and UNTRUSTED not in (self._first_zxid, vote.zxid):
            self._received[self.me] = _report_of(vote)
            self._count(now)

    def _weigh_vote(self, sender: int, notification: Notification, now: int) -> None:
        """Handles the vote of a looking peer: adopts its round or vote if they are better, and counts it."""
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
        self._received[sender] = _report_of(vote)
        self._count(now)

    def _weigh_report(self, sender: int, notification: Notification) -> None:
        """Handles the decision of a peer: joins if a quorum agrees and the leader itself says that it leads.

        ZooKeeper: receivedFollowingNotification. It keeps reports of its own round without their version, so
        that they agree if they name the same leader.
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
        """True if the leader itself has said that it leads: others may not know yet that it has crashed.

        If they name this server, that must be in its present round. ZooKeeper: checkLeader.
        """
        if vote.leader == self.me:
            return vote.round == self.round
        leader = reports.get(vote.leader)
        return leader is not None and leader.state == ServerState.LEADING

    def _has_quorum(self, reports: dict[int, Report], report: Report) -> bool:
        """True if the agreeing servers are a quorum, also of a later configuration if there is one.

        Servers that have decided may not know of that configuration; they are joined without it. In ZooKeeper
        they are never joined.
        """
        agreeing = [sid for sid, each in reports.items() if report.agrees_with(each)]
        verifiers = self._verifiers if report.state == ServerState.LOOKING else self._verifiers[:1]
        return all(verifier.is_quorum(agreeing) for verifier in verifiers)

    def _count(self, now: int) -> None:
        """Begins to hold off once a quorum has this server's vote."""
        if self.vote is not None and self._has_quorum(self._received, _report_of(self.vote)):
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
        """Restarts the timeout after which the vote is sent again."""
        self._due = now + self._patience

    @property
    def _first_zxid(self) -> int:
        return self._first.zxid if self._first is not None else UNTRUSTED


def _vote_of(notification: Notification) -> Vote:
    return Vote(notification.leader, notification.zxid, notification.round, notification.epoch)


def _report_of(vote: Vote) -> Report:
    """Returns the report of a looking server. Its version does not matter: whole votes are compared."""
    return Report(vote, ServerState.LOOKING, has_version=False)
