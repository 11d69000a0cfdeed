"""The scenarios in which the service is explored: small menus, each for some of what clients may see."""

from __future__ import annotations

from collections.abc import Mapping

from zabcheck.model.service import Scenario
from zabspec.service.requests import Sync
from zabspec.tree import Create, Delete, Exists, GetChildren, GetData, SetData
from zabspec.tree.state import ALL, Ace, Id
from zabspec.watches import AddWatch

NODE = (Create("/p", b"a"),)
SET = SetData("/p", b"b")
SECRET = (Ace(ALL, Id("digest", "nobody:x")),)
"""A list that lets none of the clients read."""

SCENARIOS: Mapping[str, Scenario] = {
    each.name: each
    for each in (
        Scenario(
            "data",
            "One client watches a node that another one sets, and loses its connection.",
            servers=2,
            setup=NODE,
            at=(0, 1),
            menus=((Exists("/p", watch=True), GetData("/p", watch=True)), (SET,)),
            sends=(2, 2),
            disconnects=1,
            sometimes=("changes_come_as_one", "stale_read", "write_outlives_connection"),
        ),
        Scenario(
            "older",
            "A client is told of a change, loses its connection, and reads at a server that is behind.",
            servers=2,
            setup=NODE,
            at=(0, 0),
            menus=((GetData("/p", watch=True),), (SET,)),
            sends=(2, 1),
            disconnects=1,
            sometimes=("event_then_older_data",),
        ),
        Scenario(
            "away",
            "A node is set, deleted and created again, while the client that watches it is away.",
            servers=2,
            setup=NODE,
            at=(0, 1),
            menus=((GetData("/p", watch=True),), (SET, Delete("/p"), Create("/p", b"c"))),
            sends=(1, 3),
            disconnects=1,
            sometimes=("deletion_looks_like_a_change", "changes_come_as_one"),
        ),
        Scenario(
            "children",
            "A child comes and goes; its parent is watched for children, and it for coming.",
            servers=2,
            setup=NODE,
            at=(0, 1),
            menus=(
                (GetChildren("/p", watch=True), Exists("/p/c", watch=True)),
                (Create("/p/c"), Delete("/p/c")),
            ),
            sends=(2, 2),
            disconnects=1,
            sometimes=("creation_and_deletion_are_missed",),
        ),
        Scenario(
            "lasting",
            "Persistent and recursive watches, and what they miss while their client is away.",
            servers=2,
            setup=NODE,
            at=(0, 1),
            menus=((AddWatch("/p"), AddWatch("/p", recursive=True)), (Create("/p/c"), SET)),
            sends=(2, 2),
            disconnects=1,
            sometimes=("lasting_watch_misses_change", "event_comes_again"),
        ),
        Scenario(
            "own",
            "A client with several requests under way watches what it writes; its server crashes.",
            servers=2,
            setup=NODE,
            at=(0,),
            menus=((GetData("/p", watch=True), SET, AddWatch("/p")),),
            sends=(3,),
            waiting=3,
            disconnects=1,
            crashes=1,
            sometimes=("write_outlives_connection",),
        ),
        Scenario(
            "sync",
            "Reads after a sync, and a leader that answers it after it was deposed.",
            servers=2,
            setup=NODE,
            at=(0, 1),
            menus=((Sync("/p"), GetData("/p")), (SET,)),
            sends=(2, 2),
            waiting=2,
            deposals=1,
            sometimes=("stale_read", "stale_read_after_sync"),
        ),
    )
}
