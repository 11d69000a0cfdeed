"""What the registry knows of ZAB 1.0, with its election and without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from zabcheck.explorer.model import Step
from zabcheck.models.fast_election.words import both_words_for
from zabcheck.models.happenings import Extent, Group, Happenings, Row
from zabcheck.models.spec import NOWHERE, Properties, Room, Spec, as_properties
from zabcheck.models.zab import bounds as of_zab
from zabcheck.models.zab import grains
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.catalogue.bugs import BUGS
from zabcheck.models.zab.coverage import DECISIONS, FROM_FILES, RECOVERIES, decision, recoveries
from zabcheck.models.zab.elected_mutants import MUTANTS as ELECTED_MUTANTS
from zabcheck.models.zab.file_mutants import LOG_READ_ACROSS_SNAPSHOT
from zabcheck.models.zab.liveness_mutants import ZAB_LIVENESS_MUTANTS
from zabcheck.models.zab.model import begun, quorums
from zabcheck.models.zab.mutants import HARMLESS, ZAB_MUTANTS
from zabcheck.models.zab.quorum_mutants import QUORUM_MUTANTS
from zabcheck.models.zab.refinement import refines_broadcast
from zabcheck.models.zab.words import words_for
from zabspec import zab, zab_elected
from zabspec.quorums import smallest
from zabspec.zab import properties, witnesses
from zabspec.zab.liveness import EVENTUALLY
from zabspec.zab.state import Message
from zabspec.zab_elected import properties as elected

REACHED_WITHIN = {
    witnesses.leader_is_established: Room(2, 0, 0, 1),
    witnesses.everyone_delivers: Room(2, 1, 0, 1),
    witnesses.another_server_leads_too: Room(3, 0, 1, 2),
    witnesses.learner_joins_during_broadcast: Room(3, 0, 0, 1),
    witnesses.learner_gets_diff: Room(3, 1, 0, 1),
    witnesses.learner_gets_trunc: Room(2, 1, 1, 2),
    witnesses.learner_applies_after_trunc: Room(3, 1, 1, 2),
    witnesses.learner_gets_snap: Room(3, 0, 0, 1),
    witnesses.history_is_adopted: Room(3, 1, 0, 1),
    witnesses.epoch_is_promised_again: Room(2, 0, 1, 2),
    witnesses.leader_is_not_up_to_date: Room(3, 0, 1, 2),
    witnesses.leader_delivers_before_writing: Room(3, 1, 0, 1),
    witnesses.server_refuses_to_start: Room(3, 1, 1, 2, restarts=1),
    witnesses.leader_is_cut_off: Room(3, 0, 1, 2, partitions=1),
    witnesses.deposed_leader_proposes: Room(3, 1, 1, 2, partitions=1),
    witnesses.message_outlasts_partition: Room(2, 0, 1, 1, partitions=1),
    witnesses.observer_delivers: Room(2, 1, 0, 1, observers=1),
}
"""The least room in which each `sometimes` comes up, without election by votes."""

REACHED_BY_VOTES = {
    witnesses.leader_is_established: Room(2, 0, 0, 1),
    witnesses.everyone_delivers: Room(2, 1, 0, 1),
    elected.latecomer_finds_established_leader: Room(3, 0, 0, 1),
    elected.leader_is_elected_by_past_votes: NOWHERE,
}
"""The same with election by votes; any other `sometimes` is asked for by name alone."""

HIDDEN_IN_ONE_STEP = frozenset(
    situation.__name__
    for situation in (
        witnesses.learner_gets_diff,
        witnesses.learner_gets_trunc,
        witnesses.learner_applies_after_trunc,
        witnesses.learner_gets_snap,
        witnesses.history_is_adopted,
        witnesses.server_refuses_to_start,
    )
)
"""Each `sometimes` that lies on the way through synchronization."""

ONLY_UNDISTURBED = ("leader_could_be_elected", "leader_has_best_vote")
"""The properties that may fail once a server has crashed or decided too early."""

PROPERTIES = as_properties(
    properties.ALWAYS, (*properties.EVERY_STEP, refines_broadcast), properties.SOMETIMES
)
PROPERTIES_BY_VOTES = as_properties(
    (*properties.ALWAYS, *elected.ALWAYS),
    (*properties.EVERY_STEP, refines_broadcast, *elected.EVERY_STEP),
    (*properties.SOMETIMES, *elected.SOMETIMES),
)

_LEAST = {situation.__name__: least for situation, least in REACHED_WITHIN.items()}
_LEAST_BY_VOTES = {
    **dict.fromkeys(_LEAST, NOWHERE),
    **{situation.__name__: least for situation, least in REACHED_BY_VOTES.items()},
}


def properties_of(bounds: Bounds) -> Properties:
    """Returns the properties of the grain that bounds choose."""
    return PROPERTIES_BY_VOTES if bounds.is_by_votes else PROPERTIES


def room(bounds: Bounds) -> Room:
    """Returns the room that bounds leave."""
    return Room(
        len({sid for quorum in smallest(quorums(bounds)) for sid in quorum}),
        bounds.transactions,
        faults=bounds.timeouts + bounds.restarts + bounds.partitions,
        epochs=bounds.epochs,
        restarts=bounds.restarts,
        partitions=bounds.partitions,
        timeouts=bounds.timeouts,
        observers=bounds.observers,
    )


def is_asked(bounds: Bounds, name: str) -> bool:
    """True for a `sometimes` that there is room for, and for another property that must hold."""
    if bounds.synchronization == "one-step" and name in HIDDEN_IN_ONE_STEP:
        return False
    least = (_LEAST_BY_VOTES if bounds.is_by_votes else _LEAST).get(name)
    if least is not None:
        return room(bounds).has_room_for(least)
    is_disturbed = bool(bounds.restarts or bounds.early)
    return not is_disturbed or name not in ONLY_UNDISTURBED


def check(bounds: Bounds) -> None:
    """Checks whether bounds fit together.

    Raises:
        ValueError: they do not; one line that says what is wrong.
    """
    of_zab.check(bounds)
    quorums(bounds)


def _told(step: Step, before: zab.State, after: zab.State, *arguments: Any) -> Iterator[Row]:
    if step.action == zab.leader_syncs_learner.__name__:
        yield Group.DECISION, decision(before, *arguments)
    for each in recoveries(step.action, before, after, *arguments):
        yield Group.RECOVERY, each


HAPPENINGS = Happenings(
    everything=(
        *((Group.ACTION, action.__name__) for action in zab.NEXT),
        *((Group.MESSAGE, message.__name__) for message in get_args(Message)),
        *((Group.DECISION, each) for each in (*DECISIONS, *FROM_FILES)),
        *((Group.RECOVERY, each) for each in RECOVERIES),
        *((Group.SITUATION, each.__name__) for each in properties.SOMETIMES),
    ),
    extents=(
        Extent(Bounds(servers=3, transactions=1, timeouts=0, restarts=1, epochs=2)),
        Extent(Bounds(servers=3, transactions=1, timeouts=1, restarts=0, epochs=2)),
        Extent(Bounds(servers=2, transactions=2, timeouts=1, restarts=1, epochs=3)),
        Extent(Bounds(servers=3, transactions=3, timeouts=1, restarts=0, epochs=1), begun=True),
        Extent(Bounds(servers=3, transactions=2, timeouts=0, restarts=0, epochs=2, partitions=1), begun=True),
        Extent(Bounds(servers=3, transactions=2, timeouts=1, restarts=0, epochs=1, observers=1)),
        Extent(Bounds(servers=2, transactions=2, timeouts=1, restarts=1, epochs=3, disk="files")),
    ),
    # By ZooKeeper's rule, TRUNC is followed by more only where the learner's last transaction is not in the
    # leader's list and a later one *of the same epoch* is; of another epoch, the leader sends SNAP. Histories
    # of one epoch are prefixes of each other, so that takes a list with a hole.
    unreached={
        (Group.DECISION, each): "needs a learner with a transaction that the leader's list skips "
        "(ZOOKEEPER-4925)"
        for each in DECISIONS
        if each.startswith("TRUNC and DIFF")
    },
    told=_told,
)

SPEC = Spec(
    name="zab",
    bounds=Bounds,
    actions=grains.actions,
    model=grains.model,
    properties=properties_of,
    is_asked=is_asked,
    check=check,
    mutants=(*BUGS, *QUORUM_MUTANTS, *ZAB_MUTANTS, *ZAB_LIVENESS_MUTANTS, *ELECTED_MUTANTS),
    harmless=(*HARMLESS, LOG_READ_ACROSS_SNAPSHOT),
    begun=begun,
    eventually=EVENTUALLY,
    live={"give_up": True},
    happenings=HAPPENINGS,
    words={zab.State: words_for, zab_elected.State: both_words_for},
)
