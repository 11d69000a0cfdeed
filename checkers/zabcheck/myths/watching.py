"""Myths about watches and their events."""

from __future__ import annotations

from zabcheck.models.service.scenarios import SCENARIOS
from zabcheck.myths.case import NODE, Myth, menus
from zabcheck.myths.looking import event, is_quiet, is_refused, told, written
from zabspec.service import witnesses
from zabspec.service.requests import Reply
from zabspec.service.seen import Run
from zabspec.service.state import Cid
from zabspec.tree import Create, Delete, Error, Exists, GetChildren, GetData, Multi, SetAcl, SetData
from zabspec.tree.replies import Children, Data
from zabspec.tree.state import OPEN
from zabspec.tree.txns import CreateTxn, SetAclTxn, SetDataTxn
from zabspec.watches import Kind

WATCH = GetData("/p", watch=True)
SET = SetData("/p", b"b")
WITH_CHILD = (*NODE, Create("/p/c"))


def two_changes_are_not_told(run: Run) -> bool:
    """Two changes are committed, and a connected client that watches was told of neither."""
    waiting = run.service.clients[0]
    if waiting.server is None or not run.seen[0].watches or waiting.inbox:
        return False
    return len(run.service.log) - run.service.servers[waiting.server].applied >= 2


def second_change_is_not_told(run: Run) -> bool:
    """An event came for the first of two changes, and none comes for the second."""
    return is_quiet(run, Cid(0)) and bool(run.seen[0].used) and len(written(run, Cid(1), SetDataTxn)) == 2


def set_acl_is_not_told(run: Run) -> bool:
    """The access control list of a node has changed, and no client is told."""
    return is_quiet(run, Cid(0)) and bool(run.seen[0].watches) and bool(written(run, Cid(1), SetAclTxn))


def childs_data_is_not_told(run: Run) -> bool:
    """A child's data have changed, and a client with a data and a child watch of the parent is not told."""
    return is_quiet(run, Cid(0)) and len(run.seen[0].watches) == 2 and bool(written(run, Cid(1), SetDataTxn))


def own_event_comes_first(run: Run) -> bool:
    """The event of a client's own write is in flight to that client, ahead of the reply."""
    inbox = run.service.clients[0].inbox
    return len(inbox) > 1 and event(run, Cid(0)) is not None and isinstance(inbox[1], Reply)


def both_are_told(run: Run, one: Cid, other: Cid) -> bool:
    """One deletion, and two clients that waited for it have each received an event."""
    return all(run.seen[each].used == ((Kind.DATA, "/p"),) for each in (one, other))


def one_entry_for_two(run: Run) -> bool:
    """Two requests have registered a watch of a node, and the server has one entry."""
    asking = run.service.clients[0]
    is_asked = asking.server is not None and asking.sent == 2 and not asking.outstanding
    return is_asked and len(run.service.connections[asking.server or 0][0].watches.entries) == 1


def watch_is_not_there(run: Run, client: Cid) -> bool:
    """A client with a watch has reconnected to another server, which has no watch of that client."""
    back = run.service.clients[client]
    if back.server in (None, 0) or not back.watches.registrations:
        return False
    return not run.service.connections[back.server][client].watches.entries


def same_children_again(run: Run) -> bool:
    """After an event that the children have changed, a node has no children, as before."""
    answer = told(run, Cid(0))
    is_empty = answer is not None and isinstance(answer[1], Children) and not answer[1].names
    return is_empty and bool(run.seen[0].used)


def views_differ(run: Run, one: Cid, other: Cid) -> bool:
    """Two clients have each received an event, read again, and see different data."""
    answers = [told(run, each) for each in (one, other)]
    shown = {answer[1].stat.mzxid for answer in answers if answer and isinstance(answer[1], Data)}
    return len(shown) == 2 and bool(run.seen[one].used) and bool(run.seen[other].used)


def multi_is_told_as_one(run: Run) -> bool:
    """A multi with two creations and a change has fired a child watch once."""
    return (
        is_quiet(run, Cid(0))
        and run.seen[0].used == ((Kind.CHILD, "/p"),)
        and any(each.client == 1 for each in run.service.log)
    )


def child_is_created_unnoticed(run: Run) -> bool:
    """A client watches the data of a node, waits for a child, and is not told when the child is created."""
    return is_quiet(run, Cid(0)) and bool(run.seen[0].watches) and bool(written(run, Cid(1), CreateTxn))


def event_tells_no_value(run: Run) -> bool:
    """A client received an event, and then reads data that are newer than the change of that event."""
    answer, last = told(run, Cid(0)), run.seen[0].last.zxid
    if answer is None or not isinstance(answer[1], Data):
        return False
    return 0 < last < answer[1].stat.mzxid


def deleted_between(run: Run) -> bool:
    """A client that has created a node asks for it with a watch, and is told that there is no such node."""
    return is_refused(run, Cid(0), Exists, Error.NO_NODE) and bool(written(run, Cid(0), CreateTxn))


WATCHING = (
    Myth(
        "told-at-once",
        ("0.1", "1.1", "3.5"),
        "A watch reports a change in real time, before anything else changes.",
        "The client's own server sends the event when that server applies the change. By then any number of "
        "further changes may be committed.",
        menus((WATCH,), (SET,), sends=(1, 2), servers=2, at=(0, 1)),
        two_changes_are_not_told,
    ),
    Myth(
        "an-event-for-each-change",
        ("1.14", "3.7", "4.4", "E8"),
        "One registration reports every change.",
        "A standard watch fires for the first change, and is gone.",
        menus((WATCH,), (SET,), sends=(1, 2)),
        second_change_is_not_told,
    ),
    Myth(
        "the-event-carries-the-value",
        ("1.5", "1.7", "2.10", "3.22", "4.9"),
        "An event brings the new value, so the client sees every value.",
        "An event brings a type and a path. A client that then reads sees the value at that time, which may "
        "be a later one.",
        menus((WATCH,), (SET,), sends=(2, 2)),
        event_tells_no_value,
    ),
    Myth(
        "setting-a-list-fires",
        ("3.19",),
        "Every change of a node fires its watches, a change of its access control list too.",
        "setACL fires no watch.",
        menus((WATCH,), (SetAcl("/p", OPEN),), sends=(1, 1)),
        set_acl_is_not_told,
    ),
    Myth(
        "a-childs-data-fires",
        ("3.7",),
        "A client that watches a node is told when the data of its children change.",
        "A child watch fires only when children are created or deleted. A recursive watch fires for every "
        "change below the node.",
        menus(
            (WATCH, GetChildren("/p", watch=True)), (SetData("/p/c", b"x"),), sends=(2, 1), setup=WITH_CHILD
        ),
        childs_data_is_not_told,
    ),
    Myth(
        "not-of-ones-own",
        ("1.8", "E19"),
        "A client is not told of its own changes, or only after the reply.",
        "A client's own write fires its own watch, and the event comes before the reply.",
        menus((WATCH, SET), sends=(2,)),
        own_event_comes_first,
    ),
    Myth(
        "many-watchers-conflict",
        ("1.9", "L8"),
        "Several clients that watch one node get in each other's way, and only one of them is told.",
        "Each client has its own entry, and each is told. When a lock is released, all clients that wait "
        "for it wake up.",
        menus((WATCH,), (WATCH,), (Delete("/p"),), sends=(1, 1, 1)),
        both_are_told,
    ),
    Myth(
        "as-many-events-as-registrations",
        ("3.16", "4.5"),
        "Registering twice makes two watches, and two events.",
        "A server keeps a set: one entry for each path and connection, whichever requests registered it.",
        menus((WATCH, Exists("/p", watch=True)), sends=(2,)),
        one_entry_for_two,
    ),
    Myth(
        "watches-are-kept-by-the-ensemble",
        ("0.7", "0.14", "0.16"),
        "A watch is part of the replicated state, like an ephemeral node, and outlives the server.",
        "A watch is in the memory of the server that the client is connected to; the client registers it "
        "again elsewhere.",
        menus((WATCH,), sends=(1,), servers=2, disconnects=1),
        watch_is_not_there,
    ),
    Myth(
        "the-event-names-the-child",
        ("0.20",),
        "An event that the children have changed names the child, or at least the change shows when the "
        "children are read again.",
        "The event names the parent. A child that came and went in between is never seen.",
        menus((GetChildren("/p", watch=True),), (Create("/p/c"), Delete("/p/c")), sends=(2, 2), waiting=1),
        same_children_again,
    ),
    Myth(
        "watchers-see-the-same",
        ("4.2",),
        "Two clients that were told of a change and read again see the same.",
        "Each client reads at its own server, and one server may have applied more than the other.",
        menus((WATCH,), (WATCH,), (SET,), sends=(2, 2, 2), servers=2, at=(0, 1, 0)),
        views_differ,
    ),
    Myth(
        "an-event-for-each-part",
        ("E9",),
        "A multi that creates two children sends two events to a child watch.",
        "A standard watch fires for the first part; after that event, the whole multi can be read.",
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
        "A client that waits for a lock below a node watches that node for changes of its data.",
        "A child that is created or deleted fires child watches of its parent, and watches of its own path.",
        menus((Exists("/p", watch=True),), (Create("/p/lock"),), sends=(1, 1)),
        child_is_created_unnoticed,
    ),
    Myth(
        "created-and-watched-in-one-step",
        ("0.17", "2.4", "3.15", "4.7"),
        "A node is created and watched in one step.",
        "A create registers no watch. The node may be deleted before the watch is registered, and no event "
        "reports that; the reply of `exists` shows it.",
        menus((Create("/p/e"), Exists("/p/e", watch=True)), (Delete("/p/e"),), sends=(2, 1)),
        deleted_between,
    ),
    Myth(
        "every-creation-is-told",
        ("2.11", "E1"),
        "A client that waits for a node to be created is told of every creation, sooner or later.",
        "A node that is created and deleted while the client is disconnected leaves no trace.",
        SCENARIOS["children"],
        witnesses.creation_and_deletion_are_missed,
    ),
    Myth(
        "a-deletion-is-told-as-one",
        ("E2", "1.6"),
        "A client that watches a node is told of its deletion, and not that its data have changed.",
        "If the node is deleted and created again while the client is disconnected, the event says that its "
        "data have changed.",
        SCENARIOS["away"],
        witnesses.deletion_looks_like_a_change,
    ),
    Myth(
        "persistent-watches-miss-nothing",
        ("E3", "3.25"),
        "A persistent watch reports every change.",
        "It misses the changes between a lost connection and the next one; they are never reported.",
        SCENARIOS["lasting"],
        witnesses.lasting_watch_misses_change,
    ),
    Myth(
        "an-event-comes-once",
        ("E7",),
        "An event comes at most once.",
        "On the next connection, to a server that is behind, the event may come again.",
        SCENARIOS["older"],
        witnesses.event_comes_again,
    ),
)
