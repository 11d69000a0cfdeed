"""The replies to a client, one class for each shape.

ZooKeeper: zookeeper.jute, org.apache.zookeeper.proto; FinalRequestProcessor.
"""

from __future__ import annotations

from dataclasses import dataclass

from zabspec.tree.errors import Error
from zabspec.tree.state import Acl, Id, Stat


@dataclass(frozen=True, slots=True)
class Failed:
    """The request was refused."""

    error: Error


@dataclass(frozen=True, slots=True)
class Done:
    """The request was carried out and has no result: delete, check, and those that begin and end sessions."""


@dataclass(frozen=True, slots=True)
class Created:
    """A node was created at this path; its Stat if the operation returns it."""

    path: str
    stat: Stat | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A node's Stat after setData or setACL; also the reply to `exists`."""

    stat: Stat


@dataclass(frozen=True, slots=True)
class Parts:
    """The replies to the parts of a multi. A multi that was refused has `Failed` for each part."""

    parts: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """A node's data."""

    data: bytes | None
    stat: Stat


@dataclass(frozen=True, slots=True)
class Children:
    """The names of a node's children, sorted; its Stat if the request asked for it."""

    names: tuple[str, ...]
    stat: Stat | None


@dataclass(frozen=True, slots=True)
class AclFound:
    """A node's access control list."""

    acl: Acl
    stat: Stat


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths, sorted."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A number of nodes."""

    number: int


@dataclass(frozen=True, slots=True)
class Identities:
    """The caller's identities, without their secrets, sorted."""

    ids: tuple[Id, ...]


Reply = Failed | Done | Created | Changed | Parts | Data | Children | AclFound | Paths | Number | Identities
