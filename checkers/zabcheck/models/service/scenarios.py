"""The scenarios in which the service is explored: small menus, each for some of what clients may see."""

from __future__ import annotations

from collections.abc import Mapping

from zabcheck.models.service.model import Scenario
from zabspec.service.requests import Sync
from zabspec.tree import (
    Ace,
    CloseSession,
    Create,
    Delete,
    Exists,
    Flag,
    GetChildren,
    GetData,
    Id,
    Multi,
    SetData,
)
from zabspec.tree.state import ALL
from zabspec.watches import AddWatch, RemoveWatches, WatcherType

NODE = (Create("/p", b"a"),)
SET = SetData("/p", b"b")
SECRET = (Ace(ALL, Id("digest", "nobody:x")),)
"""A list that lets none of the clients read."""

SCENARIO = "data"
"""What is explored if no scenario is named."""

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
            sometimes=("event_then_older_data", "event_comes_again", "client_is_refused"),
        ),
        Scenario(
            "back",
            "A client is told of two changes, loses its connection, and is told by a server that is behind.",
            servers=2,
            setup=NODE,
            at=(0, 0),
            menus=((AddWatch("/p"),), (SET,)),
            sends=(1, 2),
            disconnects=1,
            sometimes=("event_comes_again", "events_go_back"),
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
        Scenario(
            "busy",
            "Several changes are on their way to a persistent watch.",
            servers=1,
            setup=NODE,
            at=(0, 0),
            menus=((AddWatch("/p"),), (SET,)),
            sends=(1, 3),
            waiting=3,
        ),
        Scenario(
            "multi",
            "A multi makes several events at once, for the one who asks for it and for another.",
            servers=2,
            setup=NODE,
            at=(0, 1),
            menus=(
                (AddWatch("/p", recursive=True), GetChildren("/p", watch=True)),
                (
                    Multi((Create("/p/c"), Create("/p/d"))),
                    Multi((Delete("/p/c"), SetData("/p", b"b"), Create("/p/e"))),
                    AddWatch("/", recursive=True),
                ),
            ),
            sends=(1, 3),
        ),
        Scenario(
            "halves",
            "A client reads the children of a node, of which a multi of another one makes two.",
            servers=2,
            setup=NODE,
            at=(0, 1),
            menus=((GetChildren("/p"),), (Multi((Create("/p/c"), Create("/p/d"))),)),
            sends=(2, 1),
            crashes=1,
            sometimes=("stale_read",),
        ),
        Scenario(
            "refused",
            "Requests that are refused; nodes that may not be read.",
            servers=1,
            setup=NODE,
            at=(0, 0),
            menus=(
                (AddWatch("/p", recursive=True), GetData("/p", watch=True), GetData("/p/c")),
                (SetData("/p", b"b", version=7), Create("/p/c", acl=SECRET), Delete("/p/c")),
            ),
            sends=(2, 3),
        ),
        Scenario(
            "removal",
            "Watches are removed while changes are on their way.",
            servers=1,
            setup=NODE,
            at=(0, 0),
            menus=(
                (
                    GetData("/p", watch=True),
                    RemoveWatches("/p", WatcherType.DATA),
                    AddWatch("/p"),
                    RemoveWatches("/p", WatcherType.ANY),
                ),
                (SET,),
            ),
            sends=(3, 2),
            waiting=2,
        ),
        Scenario(
            "session",
            "A session ends, by itself or not, and its ephemeral node with it, which another client watches.",
            servers=2,
            setup=NODE,
            at=(0, 1),
            menus=(
                (Exists("/p/e", watch=True), AddWatch("/p", recursive=True)),
                (Create("/p/e", flag=Flag.EPHEMERAL), CloseSession()),
            ),
            sends=(1, 2),
            waiting=2,
            disconnects=1,
            expiries=1,
            sometimes=("session_is_found_expired", "write_outlives_connection"),
        ),
        Scenario(
            "sessions",
            "Two sessions with an ephemeral node each.",
            servers=1,
            setup=NODE,
            at=(0, 0),
            menus=(
                (Create("/p/e", flag=Flag.EPHEMERAL),),
                (Create("/p/f", flag=Flag.EPHEMERAL), CloseSession(), AddWatch("/p")),
            ),
            sends=(1, 2),
            waiting=2,
            expiries=1,
            sometimes=("session_is_found_expired",),
        ),
        Scenario(
            "three",
            "Three clients at three servers: one writes, two watch, and each may be ahead of the other.",
            servers=3,
            setup=NODE,
            at=(0, 1, 2),
            menus=((SET,), (GetData("/p", watch=True),), (GetData("/p", watch=True),)),
            sends=(2, 1, 1),
            disconnects=1,
            sometimes=("client_is_refused", "stale_read"),
        ),
        Scenario(
            "wide",
            "Watches of several kinds, three servers, a connection lost and a crash.",
            servers=3,
            setup=NODE,
            at=(0, 1),
            menus=(
                (GetData("/p", watch=True), AddWatch("/p", recursive=True)),
                (SET,),
            ),
            sends=(2, 2),
            disconnects=1,
            crashes=1,
            sometimes=("lasting_watch_misses_change", "event_comes_again", "client_is_refused"),
        ),
    )
}
