"""The events of a run: their names, what each takes, and what clients may ask for.

An event is a name and its arguments, all of them numbers and strings, so that a run can be written to a file.
Each name is a method of `zabcheck.simulation.run.Run`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from zabcheck.servers.encoding import Reconfigure, Request, Sync
from zabcheck.simulation.setting import Setting, line
from zabspec import tree

Event = tuple[Any, ...]
"""A name and its arguments, as in `ARGUMENTS`."""

CLIENTS = 3
"""How many clients a run has; they are numbered from 0."""
LIMIT = 1_000_000
"""Numbers in events are less than this: bytes, milliseconds, log entries."""

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "note": ("member", "member"),
    "forget": ("member", "member"),
    "chunk": ("member", "member", "number?"),
    "elect": ("member", "member"),
    "reset": ("member", "member"),
    "block": ("member", "member"),
    "isolate": ("member",),
    "heal": (),
    "sync": ("member",),
    "crash": ("member", "number?"),
    "fuse": ("member", "number"),
    "start": ("member",),
    "snapshot": ("member", "number?"),
    "tick": ("number",),
    "settle": (),
    "calm": ("number",),
    "live": ("number",),
    "connect": ("client", "member"),
    "disconnect": ("client",),
    "ask": ("client", "request", "number"),
    "reconfigure": ("client", "members", "members"),
    "ping": ("client",),
}
"""The events and the kinds of their arguments; those with a `?` may be left out. A member is a server's id;
members are ids in ascending order, separated by commas, or "" for none."""

REQUESTS: dict[str, Callable[[int, bytes], Request]] = {
    "create": lambda number, content: tree.Create(_path(number), content),
    "ephemeral": lambda number, content: tree.Create(_path(number), content, flag=tree.Flag.EPHEMERAL),
    "sequential": lambda number, content: tree.Create("/s", content, flag=tree.Flag.SEQUENTIAL),
    "set": lambda number, content: tree.SetData(_path(number), content),
    "delete": lambda number, content: tree.Delete(_path(number)),
    "multi": lambda number, content: tree.Multi(
        (tree.SetData("/", content), tree.Create(_path(number), content))
    ),
    "get": lambda number, content: tree.GetData(_path(number)),
    "root": lambda number, content: tree.GetData("/"),
    "sync": lambda number, content: Sync("/"),
    "close": lambda number, content: tree.CloseSession(),
}
"""What clients may ask for, by the word for it in `ask` events. Each is made from the number of a path and
from data that no other request has."""


def reconfiguration(voters: str, observers: str) -> Reconfigure:
    """Returns the request to make these servers the voters and the observers of the next ensemble."""
    lines = [line(sid) for sid in ids(voters)] + [line(sid, is_observer=True) for sid in ids(observers)]
    return Reconfigure(members=",".join(lines))


def members(sids: Iterable[int]) -> str:
    """Returns an argument of kind `members`."""
    return ",".join(map(str, sorted(sids)))


def ids(members: str) -> list[int]:
    """Returns the ids in an argument of kind `members`."""
    return [int(each) for each in members.split(",") if each]


def check_event(event: Any, setting: Setting) -> Event:
    """Checks that a value read from a file is an event of a run of a setting, and returns it.

    Raises:
        ValueError: it is not; one line says why.
    """
    if not isinstance(event, list) or not event or not isinstance(event[0], str) or event[0] not in ARGUMENTS:
        raise ValueError(f"not one of {', '.join(ARGUMENTS)}")
    name, *arguments = event
    kinds = ARGUMENTS[name]
    least = sum(not kind.endswith("?") for kind in kinds)
    if not least <= len(arguments) <= len(kinds):
        raise ValueError(f"{name} takes {' '.join(kinds) or 'nothing'}")
    for argument, kind in zip(arguments, kinds, strict=False):
        if not _is_of_kind(argument, kind.rstrip("?"), setting):
            raise ValueError(f"{name}: {argument!r} is no {kind.rstrip('?')}")
    if name == "reconfigure":
        _check_reconfiguration(arguments, setting)
    return (name, *arguments)


def _is_of_kind(argument: Any, kind: str, setting: Setting) -> bool:
    match kind:
        case "request":
            return isinstance(argument, str) and argument in REQUESTS
        case "members":
            return isinstance(argument, str) and _is_list_of_ids(argument, setting.size)
    ranges = {"member": range(1, setting.size + 1), "client": range(CLIENTS), "number": range(LIMIT)}
    return type(argument) is int and argument in ranges[kind]


def _is_list_of_ids(text: str, size: int) -> bool:
    parts = text.split(",")
    return text == ",".join(str(sid) for sid in range(1, size + 1) if str(sid) in parts)


def _check_reconfiguration(arguments: Sequence[str], setting: Setting) -> None:
    if not setting.joiners:
        raise ValueError("reconfigure: a run without joiners is not reconfigured")
    if set(ids(arguments[1])) & set(ids(arguments[2])):
        raise ValueError("reconfigure: a member is both voter and observer")


def _path(number: int) -> str:
    return f"/{number}"
