"""Asking for watches, and removing them, by the path under which they were registered.

ZooKeeper: DataTree.containsWatcher, removeWatch; Watcher.WatcherType.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from zabspec.watches.state import Manager, Mode, Watches, has_entry, without_entries


class WatcherType(IntEnum):
    """The types of watches that a request may remove. ZooKeeper: Watcher.WatcherType."""

    CHILDREN = 1
    DATA = 2
    ANY = 3
    PERSISTENT = 4  # PERSISTENT and RECURSIVE exist since 3.9.0
    RECURSIVE = 5


@dataclass(frozen=True, slots=True)
class CheckWatches:
    """Asks whether a path is watched. ZooKeeper: CheckWatchesRequest.

    Attributes:
        path: the path.
        type: one of `WatcherType`; anything else is refused.
    """

    path: str
    type: int


@dataclass(frozen=True, slots=True)
class RemoveWatches:
    """Removes watches. ZooKeeper: RemoveWatchesRequest.

    Attributes:
        path: under which they were registered.
        type: one of `WatcherType`; anything else is refused.
    """

    path: str
    type: int


Selected = tuple[tuple[Manager, Mode | None], ...]

SELECTED: dict[WatcherType, Selected] = {
    WatcherType.CHILDREN: ((Manager.CHILD, Mode.STANDARD),),
    WatcherType.DATA: ((Manager.DATA, Mode.STANDARD),),
    WatcherType.ANY: ((Manager.CHILD, None), (Manager.DATA, None)),
    WatcherType.PERSISTENT: ((Manager.CHILD, Mode.PERSISTENT), (Manager.DATA, Mode.PERSISTENT)),
    WatcherType.RECURSIVE: ((Manager.DATA, Mode.RECURSIVE),),
}
"""For each type, the managers and modes from which entries are removed; None stands for all modes."""

SELECTED_BEFORE_3_9: dict[WatcherType, Selected] = {
    WatcherType.CHILDREN: ((Manager.CHILD, None),),
    WatcherType.DATA: ((Manager.DATA, None),),
    WatcherType.ANY: ((Manager.CHILD, None), (Manager.DATA, None)),
}
"""The same for releases that keep one mode for a path."""


class Answer(IntEnum):
    """The result code in the reply. ZooKeeper: KeeperException.Code."""

    OK = 0
    MARSHALLING_ERROR = -5  # no such type
    NO_WATCHER = -121


def checked(watches: Watches, request: CheckWatches) -> Answer:
    """Returns the reply to a checkWatches.

    Before 3.9.0, ZooKeeper finds the watches of any connection there; here it finds those of this connection.
    """
    return _answer(watches, request.path, request.type)


def removed(watches: Watches, request: RemoveWatches) -> tuple[Watches, Answer]:
    """Returns the watches that remain after a removeWatches, and the reply."""
    answer = _answer(watches, request.path, request.type)
    if answer == Answer.OK:
        for manager, mode in _selected(watches, request.type) or ():
            watches = without_entries(watches, manager, request.path, mode)
    return watches, answer


def _selected(watches: Watches, number: int) -> Selected | None:
    by_type = SELECTED if watches.release.separate_modes else SELECTED_BEFORE_3_9
    return next((selected for each, selected in by_type.items() if each == number), None)


def _answer(watches: Watches, path: str, number: int) -> Answer:
    selected = _selected(watches, number)
    if selected is None:
        return Answer.MARSHALLING_ERROR
    found = any(has_entry(watches, manager, path, mode) for manager, mode in selected)
    return Answer.OK if found else Answer.NO_WATCHER
