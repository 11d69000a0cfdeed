"""Myths about watches and their events."""

from __future__ import annotations

from zabcheck.models.service.scenarios import SCENARIOS
from zabcheck.myths.case import NODE, Myth, menus
from zabcheck.myths.looking import event, is_quiet, told, written
from zabspec.service import witnesses
from zabspec.service.requests import Reply
from zabspec.service.seen import Run
from zabspec.service.state import Cid
from zabspec.tree import Create, Delete, Exists, GetChildren, GetData, Multi, SetAcl, SetData
from zabspec.tree.replies import Children, Data
from zabspec.tree.state import OPEN
from zabspec.tree.txns import CreateTxn, DeleteTxn, SetAclTxn, SetDataTxn
from zabspec.watches import Kind

WATCH = GetData("/p", watch=True)
SET = SetData("/p", b"b")
WITH_CHILD = (*NODE, Create("/p/c"))


def two_changes_are_not_told(run: Run) -> bool:
    """Two changes are committed, and a connected client that watches has heard of neither."""
    waiting = run.service.clients[0]
    if waiting.server is None or not run.seen[0].watches or waiting.inbox:
        return False
    return len(run.service.log) - run.service.servers[waiting.server].applied >= 2


def second_change_is_not_told(run: Run) -> bool:
    """An event came for the first of two changes; for the second none comes."""
    return is_quiet(run, Cid(0)) and bool(run.seen[0].used) and len(written(run, Cid(1), SetDataTxn)) == 2


def set_acl_is_not_told(run: Run) -> bool:
    """A node's list has changed; nobody hears of it."""
    return is_quiet(run, Cid(0)) and bool(run.seen[0].watches) and bool(written(run, Cid(1), SetAclTxn))


def childs_data_is_not_told(run: Run) -> bool:
    """A child's data has changed; who watches its parent, for data and for children, hears nothing."""
    return is_quiet(run, Cid(0)) and len(run.seen[0].watches) == 2 and bool(written(run, Cid(1), SetDataTxn))


def own_event_comes_first(run: Run) -> bool:
    """The event of a client's own write is on its way to it, before the reply."""
    inbox = run.service.clients[0].inbox
    return len(inbox) > 1 and event(run, Cid(0)) is not None and isinstance(inbox[1], Reply)


def both_are_told(run: Run, one: Cid, other: Cid) -> bool:
    """One deletion, and an event for each of those who wait."""
    return event(run, one) is not None and event(run, one) == event(run, other)


def one_entry_for_two(run: Run) -> bool:
    """Two requests have asked to watch a node, and the server has one entry for it."""
    asking = run.service.clients[0]
    is_asked = asking.server is not None and asking.sent == 2 and not asking.outstanding
    return is_asked and len(run.service.connections[asking.server or 0][0].watches.entries) == 1


def watch_is_not_there(run: Run, client: Cid) -> bool:
    """A client that watches is back, at a server that knows of no watch of it."""
    back = run.service.clients[client]
    if back.server is None or not back.watches.registrations:
        return False
    return not run.service.connections[back.server][client].watches.entries


def same_children_again(run: Run) -> bool:
    """After an event that the children have changed, they are as they were: none."""
    answer = told(run, Cid(0))
    is_empty = answer is not None and isinstance(answer[1], Children) and not answer[1].names
    return is_empty and bool(run.seen[0].used)


def views_differ(run: Run, one: Cid, other: Cid) -> bool:
    """Two clients have each had an event, read again, and see different data."""
    answers = [told(run, each) for each in (one, other)]
    shown = {answer[1].stat.mzxid for answer in answers if answer and isinstance(answer[1], Data)}
    return len(shown) == 2 and bool(run.seen[one].used) and bool(run.seen[other].used)


def multi_is_told_as_one(run: Run) -> bool:
    """Of a multi with two creations and a change, a child watch has one event."""
    return (
        is_quiet(run, Cid(0))
        and run.seen[0].used == ((Kind.CHILD, "/p"),)
        and any(each.client == 1 for each in run.service.log)
    )


def child_is_created_unnoticed(run: Run) -> bool:
    """The child that is waited for is there, and its parent is what is watched."""
    return is_quiet(run, Cid(0)) and bool(run.seen[0].watches) and bool(written(run, Cid(1), CreateTxn))


def event_tells_no_value(run: Run) -> bool:
    """An event came, then data is read that is newer than what the event was of."""
    answer, last = told(run, Cid(0)), run.seen[0].last.zxid
    if answer is None or not isinstance(answer[1], Data):
        return False
    return 0 < last < answer[1].stat.mzxid


def deleted_between(run: Run) -> bool:
    """A client created a node, asks for it with a watch, and it is gone; its deletion is never told."""
    answer = told(run, Cid(0))
    created, gone = written(run, Cid(0), CreateTxn), written(run, Cid(1), DeleteTxn)
    return answer is not None and isinstance(answer[0], Exists) and bool(created) and bool(gone)


WATCHING = (
    Myth(
        "told-at-once",
        ("0.1", "1.1", "3.5"),
        "A watch tells of a change in real time: before anything else is changed.",
        "The client's own server tells it when it applies the change. Any number may be committed by then.",
        menus((WATCH,), (SET,), sends=(1, 2), servers=2, at=(0, 1)),
        two_changes_are_not_told,
    ),
    Myth(
        "an-event-for-each-change",
        ("1.14", "3.7", "4.4", "E8"),
        "One registration tells of every change.",
        "A standard watch tells of the first, and is gone.",
        menus((WATCH,), (SET,), sends=(1, 2)),
        second_change_is_not_told,
    ),
    Myth(
        "the-event-carries-the-value",
        ("1.5", "1.7", "2.10", "3.22", "4.9"),
        "An event brings the new value, so every value is seen.",
        "It brings a type and a path. Whoever reads then sees what is there by then: a later value, perhaps.",
        menus((WATCH,), (SET,), sends=(2, 2)),
        event_tells_no_value,
    ),
    Myth(
        "setting-a-list-fires",
        ("3.19",),
        "Every change of a node fires its watches, that of its access control list too.",
        "setACL fires none.",
        menus((WATCH,), (SetAcl("/p", OPEN),), sends=(1, 1)),
        set_acl_is_not_told,
    ),
    Myth(
        "a-childs-data-fires",
        ("3.7",),
        "Who watches a node hears when the data of its children change.",
        "Only that children come and go, and only from a child watch; a recursive watch tells of all below.",
        menus(
            (WATCH, GetChildren("/p", watch=True)), (SetData("/p/c", b"x"),), sends=(2, 1), setup=WITH_CHILD
        ),
        childs_data_is_not_told,
    ),
    Myth(
        "not-of-ones-own",
        ("1.8", "E19"),
        "A client is not told of what it does itself, or only after it has the reply.",
        "Its own write fires its own watch, and the event comes before the reply.",
        menus((WATCH, SET), sends=(2,)),
        own_event_comes_first,
    ),
    Myth(
        "many-watchers-conflict",
        ("1.9", "L8"),
        "Several clients that watch one node get in each other's way; one of them is told.",
        "Each has its own entry, and each is told: when a lock is released all who wait wake up.",
        menus((WATCH,), (WATCH,), (Delete("/p"),), sends=(1, 1, 1)),
        both_are_told,
    ),
    Myth(
        "as-many-events-as-registrations",
        ("3.16", "4.5"),
        "Registering twice makes two watches, and two events.",
        "A server keeps a set: one entry for a path and a connection, whatever asked for it.",
        menus((WATCH, Exists("/p", watch=True)), sends=(2,)),
        one_entry_for_two,
    ),
    Myth(
        "watches-are-kept-by-the-ensemble",
        ("0.7", "0.14", "0.16"),
        "A watch is part of the replicated state, like an ephemeral node, and outlives the server.",
        "It is in the memory of the server that the client is connected to; the client sets it again.",
        menus((WATCH,), sends=(1,), servers=2, disconnects=1),
        watch_is_not_there,
    ),
    Myth(
        "the-event-names-the-child",
        ("0.20",),
        "An event that the children have changed says which, or at least it shows when they are read again.",
        "It names the parent. What came and went in between is not seen.",
        menus((GetChildren("/p", watch=True),), (Create("/p/c"), Delete("/p/c")), sends=(2, 2), waiting=1),
        same_children_again,
    ),
    Myth(
        "watchers-see-the-same",
        ("4.2",),
        "Two clients that were told of a change and read again see the same.",
        "Each reads at its own server, which may have applied more or less than the other's.",
        menus((WATCH,), (WATCH,), (SET,), sends=(2, 2, 2), servers=2, at=(0, 1, 0)),
        views_differ,
    ),
    Myth(
        "an-event-for-each-part",
        ("E9",),
        "A multi that creates two children tells a child watch of each.",
        "A standard watch tells of the first of its parts; after that all of it is there to be read.",
        menus(
            (GetChildren("/p", watch=True),),
            (Multi((Create("/p/c"), Create("/p/d"), SET)),),
            sends=(1, 1),
        ),
        multi_is_told_as_one,
    ),
    Myth(
        "watching-the-parent-will-do",
        ("1.12", "L1"),
        "Who waits for a lock below a node watches that node for changes of its data.",
        "A child that comes or goes fires child watches of its parent, and watches of its own path.",
        menus((Exists("/p", watch=True),), (Create("/p/lock"),), sends=(1, 1)),
        child_is_created_unnoticed,
    ),
    Myth(
        "created-and-watched-in-one-step",
        ("0.17", "2.4", "3.15", "4.7"),
        "A node is created and watched in one step.",
        "A create has no watch. In between the node may go, and nobody tells; the reply of `exists` does.",
        menus((Create("/p/e"), Exists("/p/e", watch=True)), (Delete("/p/e"),), sends=(2, 1)),
        deleted_between,
    ),
    Myth(
        "every-creation-is-told",
        ("2.11", "E1"),
        "Who waits for a node to come is told of every creation, sooner or later.",
        "A node that is created and deleted while the client is away leaves no trace.",
        SCENARIOS["children"],
        witnesses.creation_and_deletion_are_missed,
    ),
    Myth(
        "a-deletion-is-told-as-one",
        ("E2", "1.6"),
        "Who watches a node is told when it is deleted, and not that its data has changed.",
        "Deleted and created again while the client is away, it looks as if its data had changed.",
        SCENARIOS["away"],
        witnesses.deletion_looks_like_a_change,
    ),
    Myth(
        "persistent-watches-miss-nothing",
        ("E3", "3.25"),
        "A persistent watch tells of every change.",
        "Not of what happens between a lost connection and the next one: nothing is ever told of that.",
        SCENARIOS["lasting"],
        witnesses.lasting_watch_misses_change,
    ),
    Myth(
        "an-event-comes-once",
        ("E7",),
        "An event comes once at most.",
        "On the next connection, to a server that is behind, it may come again.",
        SCENARIOS["older"],
        witnesses.event_comes_again,
    ),
)
