"""Myths about locks, sessions and ephemeral nodes."""

from __future__ import annotations

from zabcheck.models.service.scenarios import SCENARIOS
from zabcheck.myths.case import NODE, Myth, menus
from zabcheck.myths.looking import event, is_refused, node, told, written
from zabspec.service import witnesses
from zabspec.service.history import closing_zxid, ephemerals_at, session_of
from zabspec.service.seen import Run
from zabspec.service.state import Cid, Life
from zabspec.tree import CloseSession, Create, Delete, Error, Exists, Flag
from zabspec.tree.replies import Done
from zabspec.tree.txns import CreateTxn, ErrorTxn

LOCK = Create("/p/lock", flag=Flag.EPHEMERAL)


def holds(run: Run, client: Cid) -> bool:
    """Returns True if a client's session owns a node."""
    return bool(ephemerals_at(run.service.log, len(run.service.log), client))


def owner_is_away(run: Run) -> bool:
    """A client was told that it has created an ephemeral node and is disconnected, and the node exists."""
    owner = run.service.clients[0]
    return owner.server is None and owner.last_zxid > len(NODE) and holds(run, Cid(0))


def lock_outlives_its_holder(run: Run) -> bool:
    """A session is closed on its server, and the node with which it held the lock still exists."""
    is_applied = run.service.servers[0].applied == len(run.service.log)
    is_closed = is_applied and closing_zxid(run.service.log, Cid(0)) is not None
    return is_closed and node(run, "/p/lock") is not None


def stranger_releases(run: Run) -> bool:
    """A client is told that it has deleted the node of another client, whose session is alive."""
    answer = told(run, Cid(1))
    is_deleted = answer is not None and answer[1] == Done() and bool(written(run, Cid(0), CreateTxn))
    return is_deleted and closing_zxid(run.service.log, Cid(0)) is None


def wake_up_is_lost(run: Run) -> bool:
    """A client found the lock taken; when it registers a watch for the release, the lock is free."""
    return is_refused(run, Cid(0), Exists, Error.NO_NODE) and bool(written(run, Cid(0), ErrorTxn))


def both_believe_they_hold(run: Run) -> bool:
    """True if two clients were both told that they created the lock, and neither that its session ended."""
    return all(believes_it_holds(run, client) for client in (Cid(0), Cid(1)))


def believes_it_holds(run: Run, client: Cid) -> bool:
    """True if a client is connected and was told that it has created the lock."""
    asking = run.service.clients[client]
    is_connected = asking.life == Life.ALIVE and asking.server is not None
    creations = [
        zxid
        for zxid, each in enumerate(run.service.log, 1)
        if each.client == client and isinstance(each.txn, CreateTxn)
    ]
    return is_connected and bool(creations) and asking.last_zxid >= creations[0]


def waits_for_itself(run: Run) -> bool:
    """A client that never had a reply to its create is told that the node exists, and owns the node."""
    found = node(run, "/p/lock")
    return (
        is_refused(run, Cid(0), Create, Error.NODE_EXISTS)
        and run.service.clients[0].last_zxid <= len(NODE)
        and found is not None
        and found.owner == session_of(Cid(0))
    )


def predecessor_goes_first(run: Run) -> bool:
    """The predecessor's node is gone, and the node before that one still exists."""
    return event(run, Cid(0)) is not None and node(run, "/p/b") is None and node(run, "/p/a") is not None


LOCKING = (
    Myth(
        "ephemeral-dies-with-the-connection",
        ("0.15", "3.6"),
        "An ephemeral node is deleted when its owner is disconnected.",
        "It is deleted when the owner's session ends: closed, or expired. Until then the node exists, and "
        "its owner may reconnect.",
        menus((LOCK,), sends=(1,), disconnects=1),
        owner_is_away,
    ),
    Myth(
        "a-session-ends-when-it-ends",
        ("E4", "E17"),
        "A client knows when its session has expired.",
        "It is told when it reconnects; until then it believes that the session is alive.",
        SCENARIOS["session"],
        witnesses.session_is_found_expired,
    ),
    Myth(
        "children-below-ephemerals",
        ("1.13",),
        "A lock is an ephemeral node with a child for each client that waits.",
        "Ephemeral nodes have no children.",
        menus((LOCK, Create("/p/lock/me")), sends=(2,)),
        lambda run: is_refused(run, Cid(0), Create, Error.NO_CHILDREN_FOR_EPHEMERALS),
    ),
    Myth(
        "a-plain-node-is-a-lock",
        ("L2", "1.12"),
        "A node that is created to lock and deleted to release is a lock.",
        "If the holder dies, the node stays for ever, unless it is ephemeral.",
        menus((Create("/p/lock"), CloseSession()), sends=(2,)),
        lock_outlives_its_holder,
    ),
    Myth(
        "parents-come-by-themselves",
        ("L3",),
        "Creating a node creates its parents, too.",
        "The parent must exist.",
        menus((Create("/lock/lock"),), sends=(1,)),
        lambda run: is_refused(run, Cid(0), Create, Error.NO_NODE),
    ),
    Myth(
        "only-the-holder-releases",
        ("L4",),
        "Only the holder of a lock can release it.",
        "Any client that may delete children of the parent can delete the lock's node.",
        menus((LOCK,), (Delete("/p/lock"),), sends=(1, 1)),
        stranger_releases,
    ),
    Myth(
        "try-then-wait",
        ("L5",),
        "A client that finds a lock taken registers for its release, and sleeps.",
        "The lock may have been released by then. If `exists` finds no node, try again.",
        menus((LOCK, Exists("/p/lock", watch=True)), (LOCK, Delete("/p/lock")), sends=(2, 2)),
        wake_up_is_lost,
    ),
    Myth(
        "one-holder-at-a-time",
        ("L6",),
        "With ephemeral nodes, two clients never believe at the same time that they hold a lock.",
        "A session expires without its client, which goes on working: at the end of this run both clients "
        "were told `ok`, and neither that a session is closed. The resource has to compare zxids.",
        menus((LOCK,), (LOCK,), sends=(1, 1), expiries=1),
        both_believe_they_hold,
    ),
    Myth(
        "taken-means-taken-by-another",
        ("L7",),
        "A lock that is taken is taken by another client.",
        "After a lost reply it may be the client's own: compare the owner of the node with the client's "
        "session.",
        menus((LOCK,), sends=(2,), servers=2, disconnects=1),
        waits_for_itself,
    ),
    Myth(
        "the-predecessors-end-is-my-turn",
        ("L9",),
        "When the client before me in the queue is gone, it is my turn.",
        "That client may have given up while it was waiting itself: list the children again.",
        menus(
            (Exists("/p/b", watch=True),),
            (Delete("/p/b"),),
            sends=(1, 1),
            setup=(*NODE, Create("/p/a"), Create("/p/b")),
        ),
        predecessor_goes_first,
    ),
)
