"""Myths about reads, versions, replies and connections."""

from __future__ import annotations

from zabcheck.models.service.scenarios import SCENARIOS
from zabcheck.myths.case import NODE, Myth, menus
from zabcheck.myths.looking import is_refused, node, told, written
from zabspec.service import witnesses
from zabspec.service.seen import Run
from zabspec.service.state import Cid
from zabspec.tree import Create, Delete, Error, Exists, Flag, GetData, SetAcl, SetData
from zabspec.tree.replies import Changed, Created, Data
from zabspec.tree.state import OPEN
from zabspec.tree.txns import CreateTxn, DeleteTxn, ErrorTxn

AGAIN = (Delete("/p"), Create("/p", b"c"))


def same_version_other_data(run: Run) -> bool:
    """A node has the version that it had at first, and different data."""
    answer = told(run, Cid(0))
    if answer is None or not isinstance(answer[1], Data):
        return False
    return answer[1].stat.version == 0 and answer[1].data != b"a"


def other_node_is_set(run: Run) -> bool:
    """A client is told that its conditional write succeeded, on a node created after it read the version."""
    answer = told(run, Cid(0))
    return answer is not None and isinstance(answer[1], Changed) and answer[1].stat.czxid > 1


def version_stays(run: Run) -> bool:
    """A client is told that a node has a new access control list, a new child, and its old version."""
    answer = told(run, Cid(0))
    if answer is None or not isinstance(answer[0], SetAcl) or not isinstance(answer[1], Changed):
        return False
    stat = answer[1].stat
    return (stat.version, stat.aversion, stat.cversion) == (0, 1, 1)


def version_rises_for_nothing(run: Run) -> bool:
    """A client is told of the node's new version, and the data are as before."""
    answer, found = told(run, Cid(0)), node(run, "/p")
    is_new = answer is not None and isinstance(answer[1], Changed) and answer[1].stat.version > 0
    return is_new and found is not None and found.data == b"a"


def created_twice(run: Run) -> bool:
    """The second create is refused, and nevertheless has a position in the log."""
    return is_refused(run, Cid(0), Create, Error.NODE_EXISTS) and bool(written(run, Cid(0), ErrorTxn))


def half_a_tree_is_left(run: Run) -> bool:
    """The children are deleted, and the deletion of the parent is refused because of a new child."""
    return is_refused(run, Cid(0), Delete, Error.NOT_EMPTY) and bool(written(run, Cid(0), DeleteTxn))


def cut_off_server_answers(run: Run) -> bool:
    """A server that is cut off from the others answers a read."""
    reading = run.service.clients[0]
    if reading.server is None or told(run, Cid(0)) is None:
        return False
    return run.service.servers[reading.server].cut_off is not None


def exists_finds_nothing(run: Run) -> bool:
    """A client asks twice, and the second answer differs from the first."""
    return is_refused(run, Cid(0), Exists, Error.NO_NODE) and run.service.clients[0].sent == 2


def number_comes_again(run: Run) -> bool:
    """A client is told that its sequential node has the number of an earlier one."""
    answer = told(run, Cid(0))
    if answer is None or not isinstance(answer[1], Created):
        return False
    names = [each.path for each in written(run, Cid(0), CreateTxn) if isinstance(each, CreateTxn)]
    return answer[1].path.endswith("0") and names.count(answer[1].path) > 1


READING = (
    Myth(
        "a-read-is-the-latest",
        ("3.24", "3.18", "E13"),
        "A read returns what was written last.",
        "A read returns what the client's server has applied. A `sync` before the read helps, under one "
        "leader.",
        SCENARIOS["data"],
        witnesses.stale_read,
    ),
    Myth(
        "sync-makes-it-the-latest",
        ("E6",),
        "A read after a `sync` is linearizable.",
        "A deposed leader that does not know that it is deposed answers the `sync`, too.",
        SCENARIOS["sync"],
        witnesses.stale_read_after_sync,
    ),
    Myth(
        "after-an-event-only-newer-data",
        ("E7",),
        "A client that has received the event of a change reads nothing older any more.",
        "On another connection it may: only replies count for what a client has seen.",
        SCENARIOS["older"],
        witnesses.event_then_older_data,
    ),
    Myth(
        "the-leader-serves-all",
        ("0.4", "4.3"),
        "The leader, or the server that has the node, handles the request.",
        "Every server has the whole tree and answers reads by itself, even while it is cut off from the "
        "leader.",
        menus((GetData("/p"),), sends=(1,), servers=2, deposals=1),
        cut_off_server_answers,
    ),
    Myth(
        "equal-versions-equal-data",
        ("2.6",),
        "If the version is unchanged, so is the node.",
        "A node that was deleted and created again has version 0 again. czxid and version together identify "
        "the data.",
        menus((GetData("/p"),), AGAIN, sends=(1, 2)),
        same_version_other_data,
    ),
    Myth(
        "compare-and-set-is-safe",
        ("2.7",),
        "A write that expects a version fails if another client has changed the node.",
        "It succeeds on a node that was deleted and created again: no operation compares czxid.",
        menus((SetData("/p", b"x", version=0),), AGAIN, sends=(1, 2)),
        other_node_is_set,
    ),
    Myth(
        "the-version-counts-everything",
        ("2.5", "0.6"),
        "The version of a node rises with every change of the node.",
        "A node has three versions: of its data, of its access control list, and of its children.",
        menus((SetAcl("/p", OPEN), Create("/p/c")), sends=(2,)),
        version_stays,
    ),
    Myth(
        "the-same-data-is-no-change",
        ("2.5",),
        "Setting a node to the data that it already has changes nothing.",
        "Its version and mzxid rise, and its watches fire.",
        menus((SetData("/p", b"a"),), sends=(1,)),
        version_rises_for_nothing,
    ),
    Myth(
        "creating-twice-works",
        ("4.8",),
        "Creating a node that exists succeeds.",
        "The create is refused. The refusal has a zxid of its own, and changes nothing.",
        menus((Create("/p"),), sends=(1,)),
        created_twice,
    ),
    Myth(
        "a-subtree-is-deleted-at-once",
        ("0.21",),
        "Deleting a node with everything below it is one operation.",
        "A client deletes the nodes one by one. A node that is created meanwhile stops it, with half of the "
        "subtree gone.",
        menus((Delete("/p/c"), Delete("/p")), (Create("/p/d"),), sends=(2, 1), setup=(*NODE, Create("/p/c"))),
        half_a_tree_is_left,
    ),
    Myth(
        "a-lost-reply-means-nothing-happened",
        ("L7", "E15"),
        "A write whose connection was lost before the reply did not happen.",
        "The write may already be in the log.",
        SCENARIOS["data"],
        witnesses.write_outlives_connection,
    ),
    Myth(
        "sequence-numbers-only-rise",
        ("E12",),
        "The number of a sequential node is larger than all earlier ones.",
        "That holds while its parent exists. The number counts the creations below the parent, and a new "
        "parent begins at 0.",
        menus(
            (Create("/p/s", flag=Flag.SEQUENTIAL), Delete("/p/s0000000000"), *AGAIN),
            sends=(5,),
        ),
        number_comes_again,
    ),
    Myth(
        "what-exists-stays",
        ("3.18",),
        "A client that has found a node finds it again with the next request.",
        "Each request is answered from the tree at that time.",
        menus((Exists("/p"),), (Delete("/p"),), sends=(2, 1)),
        exists_finds_nothing,
    ),
)
