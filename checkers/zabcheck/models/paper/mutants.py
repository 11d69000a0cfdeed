"""Mutants: the paper's ZAB with one mistake put in, which some property must catch.

A property that nobody has seen fail is not yet a property. Each mutant replaces an action or two, mostly by
the original with a change in what goes in or what comes out. The mistakes are in
`zabcheck.models.paper.mistakes`.
"""

from __future__ import annotations

from collections.abc import Mapping

from zabcheck.models.mutant import Mutant
from zabcheck.models.paper import mistakes
from zabcheck.models.paper.bounds import Bounds
from zabspec import paper

_SMALL = Bounds(servers=2, transactions=1, timeouts=1)
_CALM = Bounds(servers=3, transactions=2, timeouts=0)
_ONE_FAULT = Bounds(servers=3, transactions=1, timeouts=1)
_TWO_TRANSACTIONS = Bounds(servers=3, transactions=2, timeouts=1)
_TWO_FAULTS = Bounds(servers=3, transactions=1, timeouts=2)
_DEEP = Bounds(servers=3, transactions=2, timeouts=2, epochs=3)

MUTANTS: tuple[Mutant, ...] = (
    # Phase 1, discovery
    Mutant(
        "epoch-from-own-promise",
        "A leader proposes the epoch after its own promise, whatever its followers have promised.",
        {paper.leader_processes_cepoch: mistakes.leader_ignores_promises},
        _ONE_FAULT,
        "epoch_is_new",
    ),
    Mutant(
        "zxid-used-twice",
        "As epoch-from-own-promise: two leaders of one epoch give the same zxid to two requests.",
        {paper.leader_processes_cepoch: mistakes.leader_ignores_promises},
        Bounds(servers=3, transactions=2, timeouts=1, numbered=True),
        "same_zxid_same_transaction",
    ),
    Mutant(
        "old-leader-leads-on",
        "As epoch-from-own-promise, and a leader that loses its quorum goes on leading.",
        {
            paper.leader_processes_cepoch: mistakes.leader_ignores_promises,
            paper.connection_times_out: mistakes.leader_does_not_notice,
        },
        _ONE_FAULT,
        "one_leader_in_an_epoch",
    ),
    Mutant(
        "promise-forgotten",
        "A follower acknowledges an epoch without writing down that it promised it.",
        {paper.follower_processes_newepoch: mistakes.follower_forgets_promise},
        _SMALL,
        "epoch_is_promised",
    ),
    Mutant(
        "lower-epoch-accepted",
        "A follower promises any epoch that a leader proposes, lower ones too.",
        {paper.follower_processes_newepoch: mistakes.follower_accepts_lower_epoch},
        _TWO_FAULTS,
        "epochs_never_go_back",
    ),
    Mutant(
        "phase-not-changed",
        "A follower that has promised stays in discovery.",
        {paper.follower_processes_newepoch: mistakes.follower_stays_in_discovery},
        _SMALL,
        "phase_is_expected",
    ),
    Mutant(
        "own-history",
        "A leader starts from its own history and not from the most recent one of a quorum.",
        {paper.leader_processes_ackepoch: mistakes.leader_keeps_own_history},
        _ONE_FAULT,
        "leader_completeness",
    ),
    Mutant(
        "own-history-loses-delivered",
        "As own-history: a follower drops transactions that it has delivered.",
        {paper.leader_processes_ackepoch: mistakes.leader_keeps_own_history},
        _ONE_FAULT,
        "delivery_after_logging",
    ),
    Mutant(
        "own-history-twice",
        "As own-history, after two epochs.",
        {paper.leader_processes_ackepoch: mistakes.leader_keeps_own_history},
        _DEEP,
        "initial_history_integrity",
    ),
    Mutant(
        "epoch-only",
        "A leader compares histories by epoch alone, and prefers its own among those of the same epoch.",
        {paper.leader_processes_ackepoch: mistakes.leader_compares_epochs_only},
        _TWO_FAULTS,
        "leader_completeness",
    ),
    Mutant(
        "histories-merged",
        "A leader adds transactions of its own to the most recent history, so that none is lost.",
        {paper.leader_processes_ackepoch: mistakes.leader_merges_histories},
        _DEEP,
        "global_primary_order",
    ),
    # Phase 2, synchronization
    Mutant(
        "delivered-not-sent",
        "NEWLEADER carries only the transactions that the leader has not delivered yet.",
        {paper.leader_processes_ackepoch: mistakes.leader_leaves_out_delivered},
        _CALM,
        "total_order",
    ),
    Mutant(
        "delivered-not-sent-by-primary",
        "As delivered-not-sent: a follower delivers the second of a primary's transactions first.",
        {paper.leader_processes_ackepoch: mistakes.leader_leaves_out_delivered},
        _CALM,
        "local_primary_order",
    ),
    Mutant(
        "epoch-before-history",
        "A follower adopts the epoch of NEWLEADER in one step and the history in another.",
        {paper.follower_processes_newleader: mistakes.follower_adopts_epoch_first},
        _TWO_FAULTS,
        "leader_completeness",
    ),
    Mutant(
        "epoch-not-adopted",
        "A follower adopts the history of NEWLEADER and not the epoch.",
        {paper.follower_processes_newleader: mistakes.follower_keeps_epoch},
        _SMALL,
        "epochs_in_order",
    ),
    Mutant(
        "tail-kept",
        "A follower whose history is longer than its leader's keeps it.",
        {paper.follower_processes_newleader: mistakes.follower_keeps_tail},
        _ONE_FAULT,
        "process_consistency",
    ),
    Mutant(
        "tail-kept-in-epoch",
        "As tail-kept: the histories of two servers of one epoch differ.",
        {paper.follower_processes_newleader: mistakes.follower_keeps_tail},
        _TWO_TRANSACTIONS,
        "history_consistency",
    ),
    Mutant(
        "initial-history-not-delivered",
        "A leader is established before it has delivered its initial history.",
        {paper.leader_processes_ackleader: mistakes.leader_delivers_no_initial_history},
        _SMALL,
        "primary_integrity",
    ),
    Mutant(
        "commitleader-ignored",
        "A follower enters broadcast without delivering the initial history.",
        {paper.follower_processes_commitleader: mistakes.follower_delivers_no_initial_history},
        _SMALL,
        "commit_consistency",
    ),
    Mutant(
        "commitleader-echoes",
        "COMMIT-LD names the zxid of the ACK-LD and not the last delivered one (issue 3 of Zab.tla).",
        {paper.leader_processes_ackleader: mistakes.leader_echoes_acknowledged_zxid},
        _CALM,
        "commit_fits",
    ),
    Mutant(
        "commitleader-names-initial",
        "COMMIT-LD names the end of the initial history, even if more has been delivered since.",
        {paper.leader_processes_ackleader: mistakes.leader_names_initial_history},
        _ONE_FAULT,
        "delivered_never_goes_back",
    ),
    # Phase 3, broadcast
    Mutant(
        "request-too-early",
        "A leader accepts requests before it is established.",
        {paper.leader_accepts_request: mistakes.leader_accepts_request_in_synchronization},
        _SMALL,
        "broadcast_before_logging",
    ),
    Mutant(
        "counter-not-raised",
        "A leader numbers a transaction after the last one delivered, not after the last one logged.",
        {paper.leader_accepts_request: mistakes.leader_numbers_after_delivered},
        _CALM,
        "zxid_is_new",
    ),
    Mutant(
        "propose-to-synced",
        "A leader sends PROPOSE only to followers that acknowledged NEWLEADER (issue 1 of Zab.tla).",
        {paper.leader_sends_proposal: mistakes.leader_proposes_to_synced},
        _CALM,
        "proposal_fits",
    ),
    Mutant(
        "proposal-logged-twice",
        "A follower logs again a proposal that NEWLEADER already brought (issue 2 of Zab.tla).",
        {paper.follower_processes_proposal: mistakes.follower_logs_again},
        _CALM,
        "history_without_gaps",
    ),
    Mutant(
        "proposal-acknowledged-twice",
        "A follower acknowledges a proposal that it drops.",
        {paper.follower_processes_proposal: mistakes.follower_acknowledges_again},
        _CALM,
        "acknowledgement_fits",
    ),
    Mutant(
        "ack-before-logging",
        "A follower acknowledges a proposal that it has not logged.",
        {paper.follower_processes_proposal: mistakes.follower_acknowledges_unlogged},
        _SMALL,
        "committed_is_kept",
    ),
    Mutant(
        "commit-without-quorum",
        "A leader delivers what it has logged without waiting for a quorum.",
        {paper.leader_accepts_request: mistakes.leader_delivers_at_once},
        _SMALL,
        "committed_is_kept",
    ),
    Mutant(
        "commit-without-quorum-agreement",
        "As commit-without-quorum: two leaders deliver different transactions.",
        {paper.leader_accepts_request: mistakes.leader_delivers_at_once},
        _TWO_TRANSACTIONS,
        "agreement",
    ),
    Mutant(
        "commit-without-quorum-prefix",
        "As commit-without-quorum: two servers have delivered different first transactions.",
        {paper.leader_accepts_request: mistakes.leader_delivers_at_once},
        _TWO_TRANSACTIONS,
        "prefix_consistency",
    ),
    Mutant(
        "commit-out-of-order",
        "A leader delivers up to any transaction that a quorum has acknowledged, even one before the last "
        "one delivered.",
        {paper.leader_processes_ack: mistakes.leader_delivers_what_is_acknowledged},
        _CALM,
        "delivered_never_goes_back",
    ),
    Mutant(
        "all-logged-delivered",
        "A follower that is told to deliver one transaction delivers all that it has logged.",
        {paper.follower_processes_commit: mistakes.follower_delivers_all_logged},
        Bounds(servers=4, transactions=2, timeouts=0),
        "committed_is_kept",
    ),
    # Faults
    Mutant(
        "channel-not-emptied",
        "Messages in flight are still received after their connection was lost.",
        {paper.connection_times_out: mistakes.messages_outlive_connection},
        _SMALL,
        "message_is_legal",
    ),
    Mutant(
        "log-not-on-disk",
        "A server that restarts has lost the transactions that it had logged and not delivered.",
        {paper.server_restarts: mistakes.server_loses_undelivered},
        Bounds(servers=2, transactions=1, timeouts=0, restarts=1),
        "committed_is_kept",
    ),
    Mutant(
        "log-not-on-disk-refinement",
        "As log-not-on-disk: the abstract log shrinks, though no server remembers delivering the lost "
        "transaction.",
        {paper.server_restarts: mistakes.server_loses_undelivered},
        Bounds(servers=2, transactions=1, timeouts=0, restarts=1),
        "refines_broadcast",
    ),
)

BY_NAME: Mapping[str, Mutant] = {mutant.name: mutant for mutant in MUTANTS}
