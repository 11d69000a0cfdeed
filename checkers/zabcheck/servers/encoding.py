"""Encodes the spec's requests in ZooKeeper's client protocol, and decodes replies.

ZooKeeper: zookeeper.jute, org.apache.zookeeper.proto; BinaryOutputArchive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from struct import pack, unpack_from
from typing import TypeVar

from zabspec import tree, watches
from zabspec.tree import Ace, Acl, Error, Flag, Id, Op, Perm, Stat
from zabspec.tree.replies import (
    AclFound,
    Changed,
    Children,
    Created,
    Data,
    Done,
    Failed,
    Identities,
    Number,
    Parts,
    Paths,
    Reply,
)

Item = TypeVar("Item")

PING = 11
CLOSE_SESSION = -11
SET_AUTH = 100
CREATES_WITH_STAT = (Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL)
END_OF_MULTI = pack(">ibi", -1, 1, -1)


@dataclass(frozen=True, slots=True)
class Sync:
    """A request for a reply after everything that the leader has committed."""

    path: str


@dataclass(frozen=True, slots=True)
class Auth:
    """A request to add an identity to the connection."""

    scheme: str
    credentials: bytes


@dataclass(frozen=True, slots=True)
class Reconfigure:
    """A request for another ensemble.

    Attributes:
        joining: the servers that are to join, as in zoo.cfg, separated by commas; None for none.
        leaving: the ids of those that are to leave, separated by commas; None for none.
        members: all servers, instead of the two above; None to use these.
        version: the version that the current ensemble must have; -1 for any.
    """

    joining: str | None = None
    leaving: str | None = None
    members: str | None = None
    version: int = -1


Request = (
    tree.Read
    | tree.Write
    | watches.AddWatch
    | watches.RemoveWatches
    | watches.CheckWatches
    | watches.SetWatches
    | Sync
    | Auth
    | Reconfigure
)


class ProtocolError(Exception):
    """A server has not followed the protocol."""


class Reader:
    """Reads values from a payload, one after the other.

    Every method raises `ProtocolError` if the payload is too short.

    Args:
        payload: the bytes.
    """

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._at = 0

    def take(self, layout: str, size: int) -> tuple[int, ...]:
        """Reads numbers, laid out as `struct` has it."""
        if self._at + size > len(self._payload):
            raise ProtocolError(f"{size} bytes wanted at {self._at} of {self._payload.hex()}")
        found: tuple[int, ...] = unpack_from(layout, self._payload, self._at)
        self._at += size
        return found

    def number(self) -> int:
        """Reads a number of 4 bytes."""
        return self.take(">i", 4)[0]

    def data(self) -> bytes | None:
        """Reads a buffer, which may be null."""
        length = self.number()
        if length == -1:
            return None
        end = self._at + length
        if length < 0 or end > len(self._payload):
            raise ProtocolError(f"a length of {length} at {self._at - 4} of {self._payload.hex()}")
        self._at = end
        return self._payload[end - length : end]

    def text(self) -> str:
        """Reads a string."""
        return (self.data() or b"").decode()

    def items(self, item: Callable[[], Item]) -> tuple[Item, ...]:
        """Reads a vector."""
        return tuple(item() for _ in range(self.number()))

    def stat(self) -> Stat:
        """Reads a Stat."""
        return Stat(*self.take(">qqqqiiiqiiq", 68))

    def acl(self) -> Acl:
        """Reads an access control list."""
        return self.items(lambda: Ace(Perm(self.number()), self.id()))

    def id(self) -> Id:
        """Reads an identity."""
        return Id(self.text(), self.text())

    def end(self) -> None:
        """Checks that nothing is left.

        Raises:
            ProtocolError: something is.
        """
        if self._at != len(self._payload):
            raise ProtocolError(f"{len(self._payload) - self._at} bytes left of {self._payload.hex()}")


def data(value: bytes | None) -> bytes:
    """Encodes a buffer, or null."""
    return pack(">i", -1) if value is None else pack(">i", len(value)) + value


def text(value: str) -> bytes:
    """Encodes a string."""
    return data(value.encode())


def items(encoded: Iterable[bytes]) -> bytes:
    """Encodes a vector."""
    whole = list(encoded)
    return pack(">i", len(whole)) + b"".join(whole)


def acl(value: Acl) -> bytes:
    """Encodes an access control list."""
    return items(pack(">i", ace.perms) + text(ace.id.scheme) + text(ace.id.id) for ace in value)


def encoded(request: Request) -> tuple[int, bytes]:
    """Returns the number of a request's operation, and the request's body.

    Raises:
        ValueError: there is no such request in the protocol.
    """
    match request:
        case Sync(path):
            return 9, text(path)
        case Auth(scheme, credentials):
            return SET_AUTH, pack(">i", 0) + text(scheme) + data(credentials)
        case watches.AddWatch() | watches.RemoveWatches() | watches.CheckWatches() | watches.SetWatches():
            return encoded_about_watches(request)
        case tree.CreateSession():
            raise ValueError("a session is created by connecting")
        case tree.CloseSession():
            return CLOSE_SESSION, b""
        case Reconfigure(joining, leaving, members, version):
            texts = (data(None if each is None else each.encode()) for each in (joining, leaving, members))
            return 16, b"".join(texts) + pack(">q", version)
        case tree.Create() | tree.Delete() | tree.SetData() | tree.Check():
            return encoded_part(request)
        case tree.DeleteContainer() | tree.SetAcl() | tree.Multi():
            return encoded_write(request)
    return encoded_read(request)


def encoded_write(request: tree.DeleteContainer | tree.SetAcl | tree.Multi) -> tuple[int, bytes]:
    """Encodes a write that cannot be part of a multi."""
    match request:
        case tree.DeleteContainer(path):
            return 20, text(path)
        case tree.SetAcl(path, wanted, version):
            return 7, text(path) + acl(wanted) + pack(">i", version)
        case tree.Multi(parts):
            return 14, encoded_multi(encoded_part(part) for part in parts)


def encoded_part(request: tree.Create | tree.Delete | tree.SetData | tree.Check) -> tuple[int, bytes]:
    """Encodes a write that can be part of a multi."""
    match request:
        case tree.Create(path, content, wanted, flag, ttl, op):
            body = text(path) + data(content) + acl(wanted) + pack(">i", flag)
            return op, body + (pack(">q", ttl) if op == Op.CREATE_TTL else b"")
        case tree.Delete(path, version):
            return 2, text(path) + pack(">i", version)
        case tree.SetData(path, content, version):
            return 5, text(path) + data(content) + pack(">i", version)
        case tree.Check(path, version):
            return 13, text(path) + pack(">i", version)


def encoded_multi(parts: Iterable[tuple[int, bytes]]) -> bytes:
    """Encodes the parts of a multi."""
    return b"".join(pack(">ibi", op, 0, -1) + body for op, body in parts) + END_OF_MULTI


def encoded_read(request: tree.Read) -> tuple[int, bytes]:
    """Encodes a read."""
    match request:
        case tree.Exists(path, watch):
            return 3, text(path) + pack(">?", watch)
        case tree.GetData(path, watch):
            return 4, text(path) + pack(">?", watch)
        case tree.GetChildren(path, watch, with_stat):
            return 12 if with_stat else 8, text(path) + pack(">?", watch)
        case tree.GetAcl(path):
            return 6, text(path)
        case tree.GetEphemerals(prefix):
            return 103, text(prefix)
        case tree.GetAllChildrenNumber(path):
            return 104, text(path)
        case tree.WhoAmI():
            return 107, b""
        case tree.MultiRead(parts):
            return 22, encoded_multi(encoded_read(part) for part in parts)


def encoded_about_watches(
    request: watches.AddWatch | watches.RemoveWatches | watches.CheckWatches | watches.SetWatches,
) -> tuple[int, bytes]:
    """Encodes a request about watches."""
    match request:
        case watches.AddWatch(path, recursive):
            return 106, text(path) + pack(">i", recursive)
        case watches.CheckWatches(path, kind):
            return 17, text(path) + pack(">i", kind)
        case watches.RemoveWatches(path, kind):
            return 18, text(path) + pack(">i", kind)
        case watches.SetWatches(zxid, of_data, exist, child, persistent, recursive_paths):
            lists = (of_data, exist, child, persistent, recursive_paths)
            is_plain = not persistent and not recursive_paths
            body = pack(">q", zxid) + b"".join(
                items(map(text, each)) for each in lists[: 3 if is_plain else 5]
            )
            return 101 if is_plain else 105, body


def decoded(request: Request, error: int, payload: bytes) -> Reply:
    """Decodes the reply to a request, from the error in its header and its body.

    Raises:
        ProtocolError: the body does not fit the request.
    """
    reader = Reader(payload)
    reply = Failed(Error(error)) if error else decoded_body(request, reader)
    reader.end()
    return reply


def decoded_body(request: Request, reader: Reader) -> Reply:
    """Decodes the reply to a request that was not refused."""
    match request:
        case tree.Create(op=op):
            return Created(reader.text(), reader.stat() if op in CREATES_WITH_STAT else None)
        case tree.SetData() | tree.SetAcl() | tree.Exists():
            return Changed(reader.stat())
        case tree.Multi() | tree.MultiRead():
            return Parts(tuple(decoded_parts(request.parts, reader)))
        case tree.GetData() | tree.GetChildren() | tree.GetAcl():
            return decoded_node(request, reader)
        case tree.GetEphemerals() | tree.GetAllChildrenNumber() | tree.WhoAmI():
            return decoded_listing(request, reader)
        case Sync(path):
            if reader.text() != path:
                raise ProtocolError(f"sync {path} has another path in its reply")
        case Reconfigure():
            return Data(reader.data(), reader.stat())
        case watches.AddWatch():
            reader.number()
    return Done()


def decoded_listing(
    request: tree.GetEphemerals | tree.GetAllChildrenNumber | tree.WhoAmI, reader: Reader
) -> Reply:
    """Decodes a reply about the whole tree, or about the client."""
    match request:
        case tree.GetEphemerals():
            return Paths(tuple(sorted(reader.items(reader.text))))
        case tree.GetAllChildrenNumber():
            return Number(reader.number())
        case tree.WhoAmI():
            return Identities(tuple(sorted(reader.items(reader.id))))


def decoded_node(request: tree.GetData | tree.GetChildren | tree.GetAcl, reader: Reader) -> Reply:
    """Decodes a reply about one node."""
    match request:
        case tree.GetData():
            return Data(reader.data(), reader.stat())
        case tree.GetChildren(with_stat=with_stat):
            names = tuple(sorted(reader.items(reader.text)))
            return Children(names, reader.stat() if with_stat else None)
        case tree.GetAcl():
            return AclFound(reader.acl(), reader.stat())


def decoded_parts(parts: Iterable[Request], reader: Reader) -> Iterable[Reply]:
    """Decodes the replies to the parts of a multi."""
    for part in parts:
        op, is_done, error = reader.take(">ibi", 9)
        if is_done:
            raise ProtocolError("a multi has fewer replies than parts")
        if op == -1:
            if reader.number() != error:
                raise ProtocolError("a part of a multi has two errors")
            yield Failed(Error(error))
            continue
        shown = part
        if isinstance(part, tree.Create):  # the replies to createContainer and createTTL are those of create2
            shown = tree.Create(part.path, flag=Flag.PERSISTENT, op=Op(op))
        yield decoded_body(shown, reader)
    if reader.take(">ibi", 9) != (-1, 1, -1):
        raise ProtocolError("a multi has more replies than parts")
