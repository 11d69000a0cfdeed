"""What a client is answered, one class for each shape of reply.

ZooKeeper: zookeeper.jute, org.apache.zookeeper.proto; FinalRequestProcessor.
"""

from __future__ import annotations

from dataclasses import dataclass

from zabspec.tree.errors import Error
from zabspec.tree.state import Acl, Id, Stat


@dataclass(frozen=True, slots=True)
class Failed:
    """It was refused."""

    error: Error


@dataclass(frozen=True, slots=True)
class Done:
    """It was done, and there is nothing to say: delete, check, and the sessions' own."""


@dataclass(frozen=True, slots=True)
class Created:
    """A node was created at this path; its Stat where the operation gives it."""

    path: str
    stat: Stat | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A node was changed, and is now so: setData, setACL. Also what `exists` finds."""

    stat: Stat


@dataclass(frozen=True, slots=True)
class Parts:
    """The replies to the parts of a multi. One that was refused has `Failed` for each part."""

    parts: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """A node's data."""

    data: bytes | None
    stat: Stat


@dataclass(frozen=True, slots=True)
class Children:
    """The names of a node's children, sorted; its Stat if it was asked for."""

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
    """The identities of the caller, without what is secret in them, sorted."""

    ids: tuple[Id, ...]


Reply = Failed | Done | Created | Changed | Parts | Data | Children | AclFound | Paths | Number | Identities
