"""Requests that only read, answered from the current tree, and requests for watches.

ZooKeeper: FinalRequestProcessor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from zabserver.service import acl as acls
from zabserver.service.acl import Id
from zabserver.service.node import Acl, Node
from zabserver.service.replies import MULTI_END, error_part
from zabserver.service.settings import Settings
from zabserver.service.tree import Tree
from zabserver.service.txns import encode_acl
from zabserver.service.watches import PERSISTENT, RECURSIVE, STANDARD, Watcher
from zabserver.wire.jute import INT, Reader, data, vector
from zabserver.wire.protocol import Err, Event, Op, Perm, Refused, WatcherType

MOST_READ_AT_ONCE = 32 << 20
"""The most bytes in the reply to a multi-read; a request of one megabyte could ask for many gigabytes."""


class Server(Protocol):
    """The part of a server that reads need."""

    @property
    def tree(self) -> Tree:
        """The tree that reads see."""

    @property
    def settings(self) -> Settings:
        """The settings that decide how requests are served."""


class Client(Watcher, Protocol):
    """The part of a connection that reads need. A connection is also the watcher that its reads leave."""

    @property
    def service(self) -> Server:
        """The server that the client is connected to."""

    @property
    def session_id(self) -> int:
        """The id of the client's session."""

    @property
    def ids(self) -> tuple[Id, ...]:
        """The identities that the client has authenticated as."""

    def check_acl(self, acl: Acl, perm: int) -> None:
        """Raises Refused (NO_AUTH) unless an access control list grants the client a permission."""

    def notify(self, event: int, path: bytes, zxid: int) -> None:
        """Sends the client a watch event."""


def answer_exists(connection: Client, reader: Reader) -> bytes:
    """Returns the node's Stat; leaves a watch whether or not the node exists."""
    path, watch = reader.string(), reader.flag()
    if b"\0" in path:
        raise Refused(Err.BAD_ARGUMENTS)
    tree = connection.service.tree
    node = tree.nodes.get(path)
    if node is not None:
        connection.check_acl(node.acl, Perm.READ)
    if watch:
        tree.watches.data.add(path, connection, STANDARD)
    if node is None:
        raise Refused(Err.NO_NODE)
    return node.stat()


def answer_get_data(connection: Client, reader: Reader) -> bytes:
    """Returns the node's data and Stat."""
    path, watch = reader.string(), reader.flag()
    node = _readable(connection, path)
    if watch:
        connection.service.tree.watches.data.add(path, connection, STANDARD)
    return data(node.data) + node.stat()


def answer_get_children(connection: Client, reader: Reader) -> bytes:
    """Returns the names of the node's children."""
    return _children(connection, reader)[1]


def answer_get_children2(connection: Client, reader: Reader) -> bytes:
    """Returns the names of the node's children and its Stat."""
    node, names = _children(connection, reader)
    return names + node.stat()


def _children(connection: Client, reader: Reader) -> tuple[Node, bytes]:
    path, watch = reader.string(), reader.flag()
    node = _readable(connection, path)
    if watch:
        connection.service.tree.watches.children.add(path, connection, STANDARD)
    return node, vector(map(data, node.children))


def answer_get_acl(connection: Client, reader: Reader) -> bytes:
    """Returns the access control list and Stat; without ADMIN permission the client sees no digests."""
    node = _node(connection, reader.string())
    connection.check_acl(node.acl, Perm.READ | Perm.ADMIN)
    shown: Acl = node.acl if connection.service.settings.skip_acl else acls.masked(node.acl, connection.ids)
    return encode_acl(shown) + node.stat()


def answer_sync(_: Client, reader: Reader) -> bytes:
    """Returns the path: what was committed when the request arrived is applied before the reply."""
    return data(reader.string())


def answer_get_ephemerals(connection: Client, reader: Reader) -> bytes:
    """Returns the paths of the session's ephemeral nodes that begin with a prefix."""
    prefix = reader.string()
    paths = connection.service.tree.ephemerals.get(connection.session_id, {})
    return vector(data(path) for path in paths if prefix in (b"", b"/") or path.startswith(prefix))


def answer_all_children_number(connection: Client, reader: Reader) -> bytes:
    """Returns the number of a node's descendants."""
    path = reader.string()
    _readable(connection, path)
    nodes = connection.service.tree.nodes
    if path == b"/":
        return INT.pack(len(nodes) - 1)
    return INT.pack(sum(each.startswith(path + b"/") for each in nodes))


def answer_who_am_i(connection: Client, _: Reader) -> bytes:
    """Returns the identities of the client, without their secrets."""
    shown = (
        (each.scheme, each.id.partition(b":")[0] if each.scheme == b"digest" else each.id)
        for each in connection.ids
    )
    return vector(data(scheme) + data(user) for scheme, user in shown)


def answer_multi_read(connection: Client, reader: Reader) -> bytes:
    """Returns the results of several reads of the same tree; each has its own error."""
    found: list[bytes] = []
    size = 0
    while True:
        op, done, _ = reader.int32(), reader.flag(), reader.int32()
        if done:
            return b"".join(found) + MULTI_END
        if size > MOST_READ_AT_ONCE:
            raise Refused(Err.MARSHALLING_ERROR)
        if op not in (Op.GET_DATA, Op.GET_CHILDREN):
            raise Refused(Err.MARSHALLING_ERROR)
        path, _ = reader.string(), reader.flag()
        try:
            node = _readable(connection, path)
        except Refused as refused:
            found.append(error_part(refused.code))
            continue
        body = data(node.data) + node.stat() if op == Op.GET_DATA else vector(map(data, node.children))
        found.append(INT.pack(op) + b"\0" + INT.pack(Err.OK) + body)
        size += len(body)


def answer_add_watch(connection: Client, reader: Reader) -> bytes:
    """Adds a persistent or recursive watch; the node need not exist."""
    path, mode = reader.string(), reader.int32()
    watches = connection.service.tree.watches
    if mode == 0:
        watches.data.add(path, connection, PERSISTENT)
        watches.children.add(path, connection, PERSISTENT)
    elif mode == 1:
        watches.data.add(path, connection, RECURSIVE)
    else:
        raise Refused(Err.MARSHALLING_ERROR)
    return INT.pack(0)


_WATCHES = {
    WatcherType.CHILDREN: (0, STANDARD),
    WatcherType.DATA: (STANDARD, 0),
    WatcherType.ANY: (STANDARD | PERSISTENT | RECURSIVE, STANDARD | PERSISTENT | RECURSIVE),
    WatcherType.PERSISTENT: (PERSISTENT, PERSISTENT),
    WatcherType.RECURSIVE: (RECURSIVE, 0),
}
"""The modes of data watches, and of child watches, that each type stands for."""


def answer_check_watches(connection: Client, reader: Reader) -> bytes:
    """Returns an empty body if the client has such a watch."""
    path, (of_data, of_children) = reader.string(), _type(reader)
    watches = connection.service.tree.watches
    has_data = watches.data.modes(path, connection) & of_data
    if not has_data and not watches.children.modes(path, connection) & of_children:
        raise Refused(Err.NO_WATCHER)
    return b""


def answer_remove_watches(connection: Client, reader: Reader) -> bytes:
    """Removes a watch, and returns an empty body if there was one."""
    path, (of_data, of_children) = reader.string(), _type(reader)
    watches = connection.service.tree.watches
    had_data = watches.data.remove(path, connection, of_data)
    if not watches.children.remove(path, connection, of_children) and not had_data:
        raise Refused(Err.NO_WATCHER)
    return b""


def _type(reader: Reader) -> tuple[int, int]:
    wanted = reader.int32()
    if wanted not in _WATCHES:
        raise Refused(Err.MARSHALLING_ERROR)
    return _WATCHES[WatcherType(wanted)]


def answer_set_watches(connection: Client, reader: Reader) -> bytes:
    """Sets standard watches again after a reconnect; events for missed changes precede the reply."""
    since = reader.int64()
    of_data, exist, of_children = (reader.vector(reader.string) for _ in range(3))
    _catch_up(connection, since, of_data, exist, of_children)
    return b""


def answer_set_watches2(connection: Client, reader: Reader) -> bytes:
    """Sets all watches again after a reconnect; persistent and recursive ones get no events for the past."""
    since = reader.int64()
    of_data, exist, of_children, persistent, recursive = (reader.vector(reader.string) for _ in range(5))
    _catch_up(connection, since, of_data, exist, of_children)
    watches = connection.service.tree.watches
    for path in persistent:
        watches.data.add(path, connection, PERSISTENT)
        watches.children.add(path, connection, PERSISTENT)
    for path in recursive:
        watches.data.add(path, connection, RECURSIVE)
    return b""


def _catch_up(
    connection: Client, since: int, of_data: list[bytes], exist: list[bytes], of_children: list[bytes]
) -> None:
    nodes, watches = connection.service.tree.nodes, connection.service.tree.watches
    for path in of_data:
        node = nodes.get(path)
        if node is None:
            connection.notify(Event.DELETED, path, -1)
        elif node.mzxid > since:
            connection.notify(Event.DATA_CHANGED, path, -1)
        else:
            watches.data.add(path, connection, STANDARD)
    for path in exist:
        if path in nodes:
            connection.notify(Event.CREATED, path, -1)
        else:
            watches.data.add(path, connection, STANDARD)
    for path in of_children:
        node = nodes.get(path)
        if node is None:
            connection.notify(Event.DELETED, path, -1)
        elif node.pzxid > since:
            connection.notify(Event.CHILDREN_CHANGED, path, -1)
        else:
            watches.children.add(path, connection, STANDARD)


def answer_ping(_: Client, __: Reader) -> bytes:
    """Returns an empty body."""
    return b""


def _node(connection: Client, path: bytes) -> Node:
    node = connection.service.tree.nodes.get(path)
    if node is None:
        raise Refused(Err.NO_NODE)
    return node


def _readable(connection: Client, path: bytes) -> Node:
    node = _node(connection, path)
    connection.check_acl(node.acl, Perm.READ)
    return node


READS: dict[int, Callable[[Client, Reader], bytes]] = {
    Op.EXISTS: answer_exists,
    Op.GET_DATA: answer_get_data,
    Op.GET_CHILDREN: answer_get_children,
    Op.GET_CHILDREN2: answer_get_children2,
    Op.GET_ACL: answer_get_acl,
    Op.SYNC: answer_sync,
    Op.PING: answer_ping,
    Op.GET_EPHEMERALS: answer_get_ephemerals,
    Op.GET_ALL_CHILDREN_NUMBER: answer_all_children_number,
    Op.WHO_AM_I: answer_who_am_i,
    Op.MULTI_READ: answer_multi_read,
    Op.ADD_WATCH: answer_add_watch,
    Op.CHECK_WATCHES: answer_check_watches,
    Op.REMOVE_WATCHES: answer_remove_watches,
    Op.SET_WATCHES: answer_set_watches,
    Op.SET_WATCHES2: answer_set_watches2,
}
"""The function for each operation: from the connection and the request's body to the reply's body.

Each raises Refused if the reply is an error, and Malformed if the request cannot be decoded."""
