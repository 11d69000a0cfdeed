"""The service with one mistake put in, which a property must catch.

For each guarantee, each of W1 to W16 and each of H1 to H7 (docs/watches.md and `zabspec.service`), there is
at least one mutant; real bugs are named. The mistakes are in `zabcheck.models.service.mistakes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zabcheck.models.mutant import Action, Mutant
from zabcheck.models.service import mistakes
from zabcheck.models.service.bounds import Bounds
from zabspec import service


def _mutant(
    name: str,
    story: str,
    replaces: Mapping[Action, Action],
    scenario: str,
    caught_by: str,
    *adds: Callable[..., Any],
) -> Mutant:
    return Mutant(name, story, replaces, Bounds(scenario=scenario), caught_by, adds)


def _telling(tell: mistakes.Teller) -> Mapping[Action, Action]:
    return {service.server_applies: mistakes.server_applies(tell)}


SERVICE_MUTANTS: tuple[Mutant, ...] = (
    # Reads and writes
    _mutant(
        "acknowledged-before-logged",
        "A server replies to a write as soon as the request arrives, and drops the write.",
        {},
        "data",
        "linearizable_writes",
        mistakes.server_acknowledges_early,
    ),
    _mutant(
        "late-write-taken",
        "The leader accepts a write from a server that the session has moved away from: the write is "
        "applied after requests that the client has sent since.",
        {service.leader_logs_write: mistakes.leader_takes_write_from_anywhere},
        "own",
        "written_once",
    ),
    _mutant(
        "read-overtakes-write",
        "A server answers a read while an earlier write of the same session is still outstanding "
        "(ZOOKEEPER-1863).",
        {service.server_answers: mistakes.server_answers_out_of_turn},
        "own",
        "fifo_client_order",
    ),
    _mutant(
        "read-of-the-past",
        "A server answers a read from the tree before its last transaction, with the zxid of that "
        "transaction.",
        {service.server_answers: mistakes.server_answers_from_the_past},
        "data",
        "ordered_sequential_consistency",
    ),
    _mutant(
        "server-behind-accepts",
        "A server accepts a client that has seen a later zxid than the server has applied.",
        {service.client_connects: mistakes.client_connects_anywhere},
        "older",
        "single_system_image",
    ),
    _mutant(
        "sync-without-leader",
        "A server answers a sync without asking the leader.",
        {service.server_answers_sync: mistakes.server_answers_sync_itself},
        "sync",
        "linearizable_after_sync",
    ),
    # W1 to W16
    _mutant(
        "newest-event-first",
        "New events are sent ahead of earlier events that wait to be sent (as in etcd#15271).",
        _telling(mistakes.told_newest_first),
        "busy",
        "w1_ordered",
    ),
    _mutant(
        "events-come-late",
        "The events of a transaction are sent when the next transaction is applied.",
        _telling(mistakes.told_of_the_one_before),
        "data",
        "w2_notified_before_reading",
    ),
    _mutant(
        "watch-before-read",
        "A server registers a watch when the read arrives and answers the read later: the event may come "
        "first (ClickHouse#18217).",
        {service.client_sends: mistakes.client_is_watching_at_once},
        "data",
        "w3_replied_before_notified",
    ),
    _mutant(
        "error-fires",
        "A setData that is refused fires the watches that it would have fired (as in ClickHouse#28190).",
        _telling(mistakes.told_of_errors),
        "refused",
        "w4_caused",
    ),
    _mutant(
        "watch-stays",
        "A standard watch stays after it has fired.",
        _telling(mistakes.told_again_and_again),
        "data",
        "w5_once",
    ),
    _mutant(
        "watch-after-read",
        "A server registers a watch some time after it has answered the read: a change in between fires no "
        "event.",
        {service.server_answers: mistakes.server_answers_without_watch},
        "data",
        "w6_first",
        mistakes.server_notes_watch_late,
    ),
    _mutant(
        "events-merged",
        "Of equal events that wait to be sent, only one is sent (as in etcd#17529).",
        _telling(mistakes.told_once_for_several),
        "busy",
        "w7_reliable",
    ),
    _mutant(
        "last-child-unnoticed",
        "When the last child of a node is deleted, the node's child watches do not fire.",
        _telling(mistakes.told_of_all_but_the_last_child),
        "children",
        "w7_nothing_is_lost",
    ),
    _mutant(
        "header-ahead",
        "The header of a reply carries the last committed zxid, not the last one that the server has "
        "applied (as in etcd#15220).",
        {service.server_answers: mistakes.server_answers_with_leaders_zxid},
        "lasting",
        "w8_bookmark",
    ),
    _mutant(
        "reply-between-events",
        "The reply to a multi is sent after the first of its events.",
        {service.server_applies: mistakes.server_answers_between_events},
        "multi",
        "w9_atomic",
    ),
    _mutant(
        "last-seen-missed",
        "When watches are registered again, a change at the last zxid that the client has seen counts as "
        "missed: >= instead of >.",
        {service.server_registers_again: mistakes.server_registers_again(mistakes.including_the_last_seen)},
        "data",
        "w10_resumable",
    ),
    _mutant(
        "nothing-registered-again",
        "A client that reconnects does not register its watches again (as in kazoo#29, #151, #305, #391).",
        {service.client_connects: mistakes.client_forgets_to_register},
        "data",
        "w10_registered_again",
    ),
    _mutant(
        "lasting-not-registered-again",
        "On a new connection, persistent and recursive watches are not registered again: they miss more "
        "than ZooKeeper's pull request 1950 says.",
        {service.server_registers_again: mistakes.server_registers_again(mistakes.without_lasting)},
        "lasting",
        "w11_known_gap",
    ),
    _mutant(
        "recursive-told-of-children",
        "A recursive watch fires ChildrenChanged as well (ZOOKEEPER-4475).",
        _telling(mistakes.told_of_children),
        "lasting",
        "w12_scope",
    ),
    _mutant(
        "secret-told",
        "A client is sent events of nodes that it may not read (ZOOKEEPER-4799).",
        _telling(mistakes.told_of_what_is_secret),
        "refused",
        "w12_nothing_secret",
    ),
    _mutant(
        "removal-forgotten",
        "A server replies that a watch was removed, and keeps it.",
        {service.server_answers: mistakes.server_forgets_to_remove},
        "removal",
        "w13_removal",
    ),
    _mutant(
        "listens-after-close",
        "Neither end of a connection is closed when its session is closed.",
        {
            service.server_applies: mistakes.server_goes_on_after_close,
            service.client_receives: mistakes.client_stays_after_close,
        },
        "sessions",
        "w14_nothing_after_the_end",
    ),
    _mutant(
        "closed-with-others",
        "When a session expires, the ephemeral nodes of all sessions are deleted.",
        {service.leader_expires_session: mistakes.leader_closes_with_others_nodes},
        "sessions",
        "w14_ephemerals_go_at_once",
    ),
    _mutant(
        "event-after-own-reply",
        "The reply to a write is sent before the event that the write causes.",
        {service.server_applies: mistakes.server_answers_before_events},
        "own",
        "w15_own_write",
    ),
    _mutant(
        "triggers-backwards",
        "Watches fire in another order than that of the transaction's triggers.",
        _telling(mistakes.told_backwards),
        "multi",
        "w16_agreement",
    ),
    # H1 to H7
    _mutant(
        "fires-before-applying",
        "Watches fire when the leader accepts a write, before their server has applied it.",
        {service.leader_logs_write: mistakes.leader_fires_at_once},
        "data",
        "h1_event_after_commit",
    ),
    _mutant(
        "reply-first",
        "As event-after-own-reply: on the connection, the reply comes before the events of the data that it "
        "shows.",
        {service.server_applies: mistakes.server_answers_before_events},
        "own",
        "h2_event_before_data",
    ),
    _mutant(
        "fires-twice",
        "As watch-stays: one registration, two events.",
        _telling(mistakes.told_again_and_again),
        "data",
        "h3_one_shot",
    ),
    _mutant(
        "order-of-events",
        "As triggers-backwards: the events of one transaction are out of order on the connection.",
        _telling(mistakes.told_backwards),
        "multi",
        "h4_order",
    ),
    _mutant(
        "half-of-multi",
        "A read is answered between two parts of a multi.",
        {service.server_answers: mistakes.server_reads_half_of_multi},
        "halves",
        "h5_prefix",
    ),
    _mutant(
        "half-of-multi-is-shown",
        "As half-of-multi: a reply shows part of a transaction.",
        {service.server_answers: mistakes.server_reads_half_of_multi},
        "halves",
        "w9_atomic",
    ),
    _mutant(
        "created-after-close",
        "The leader accepts a write of a session that it has closed: an ephemeral node stays for ever.",
        {service.leader_logs_write: mistakes.leader_takes_write_of_closed_session},
        "sessions",
        "h6_ephemeral",
    ),
    _mutant(
        "done-though-refused",
        "A server replies that a write was refused, though it was applied.",
        {service.server_applies: mistakes.server_says_refused},
        "data",
        "h7_error_txn",
    ),
)
