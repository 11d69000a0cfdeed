"""Watches: what a client is told of changes.

A client registers a watch by a read or by addWatch (`registration`). The tree's transactions fire it
(`firing`). The client removes it (`removal`), or it is lost with the connection and registered again on the
next one (`catching_up`). What the client itself keeps is in `client`. A server's two watch managers are the
`Watches` of all its connections, side by side: closing a connection drops its record.

Left out: connections whose output is not sent in time, and `WatchManagerOptimized`, which has no persistent
watches.
"""

from zabspec.watches.catching_up import SetWatches, Stamps, caught_up, what_was_missed
from zabspec.watches.client import (
    NOTHING,
    ClientWatches,
    Registration,
    called,
    forgotten,
    registered_again,
    remembered,
    told_of_connection,
)
from zabspec.watches.firing import fired
from zabspec.watches.registration import AddWatch, added, with_watch
from zabspec.watches.removal import Answer, CheckWatches, RemoveWatches, WatcherType, checked, removed
from zabspec.watches.state import (
    LATEST,
    NO_ZXID,
    NONE,
    RELEASE_3_8,
    Entry,
    Event,
    EventType,
    Fired,
    Kind,
    Manager,
    Mode,
    Release,
    Trigger,
    Watches,
)

__all__ = [
    "Release",
    "LATEST",
    "RELEASE_3_8",
    "Manager",
    "Mode",
    "Kind",
    "Entry",
    "Watches",
    "NONE",
    "EventType",
    "Trigger",
    "Event",
    "NO_ZXID",
    "Fired",
    "AddWatch",
    "with_watch",
    "added",
    "fired",
    "SetWatches",
    "Stamps",
    "caught_up",
    "what_was_missed",
    "WatcherType",
    "CheckWatches",
    "RemoveWatches",
    "Answer",
    "checked",
    "removed",
    "ClientWatches",
    "NOTHING",
    "Registration",
    "remembered",
    "called",
    "forgotten",
    "told_of_connection",
    "registered_again",
]
