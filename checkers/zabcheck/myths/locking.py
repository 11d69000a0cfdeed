"""Myths about locks, sessions and ephemeral nodes."""

from __future__ import annotations

from zabcheck.models.service.scenarios import SCENARIOS
from zabcheck.myths.case import NODE, Myth, menus
from zabcheck.myths.looking import event, is_refused, node, written
from zabspec.service import witnesses
from zabspec.service.history import closing_zxid, ephemerals_at, session_of
from zabspec.service.seen import Run
from zabspec.service.state import Cid, Life
from zabspec.tree import CloseSession, Create, Delete, Error, Exists, Flag
from zabspec.tree.txns import CreateTxn, DeleteTxn, ErrorTxn

LOCK = Create("/p/lock", flag=Flag.EPHEMERAL)


def holds(run: Run, client: Cid) -> bool:
    """Returns True if a client's session owns a node."""
    return bool(ephemerals_at(run.service.log, len(run.service.log), client))


def owner_is_away(run: Run) -> bool:
    """A client has lost its connection, and its ephemeral node still exists."""
    return run.service.clients[0].server is None and holds(run, Cid(0))


def lock_outlives_its_holder(run: Run) -> bool:
    """A session is closed, and the node with which it locked still exists."""
    return closing_zxid(run.service.log, Cid(0)) is not None and node(run, "/p/lock") is not None


def stranger_releases(run: Run) -> bool:
    """A client has deleted the node of another client, whose session is alive."""
    is_gone = bool(written(run, Cid(1), DeleteTxn)) and bool(written(run, Cid(0), CreateTxn))
    return is_gone and closing_zxid(run.service.log, Cid(0)) is None


def wake_up_is_lost(run: Run) -> bool:
    """A client found the lock taken; when it registers a watch for the release, the lock is free."""
    return is_refused(run, Cid(0), Exists, Error.NO_NODE) and bool(written(run, Cid(0), ErrorTxn))


def two_take_themselves_for_holders(run: Run) -> bool:
    """One client holds the lock; another one was told that it does, and has not heard of its end."""
    first = run.service.clients[0]
    was_told = bool(written(run, Cid(0), CreateTxn)) and first.last_zxid > len(NODE)
    return (
        was_told
        and first.life == Life.ALIVE
        and first.server is not None
        and holds(run, Cid(1))
        and not holds(run, Cid(0))
    )


def waits_for_itself(run: Run) -> bool:
    """A client is told that the node exists, and the node is its own."""
    found = node(run, "/p/lock")
    return (
        is_refused(run, Cid(0), Create, Error.NODE_EXISTS)
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
        "A session expires without its client, which goes on working. The resource has to compare zxids.",
        menus((LOCK,), (LOCK,), sends=(1, 1), expiries=1),
        two_take_themselves_for_holders,
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
