"""The digest of a tree, by which servers notice that their trees differ.

It is the sum, in 64 bits, of a checksum for each node outside /zookeeper/.

ZooKeeper: DigestCalculator, AdHash.
"""

from __future__ import annotations

from struct import pack
from zlib import crc32

from zabspec.tree.state import ROOT, Node, Tree

CONTAINER_OWNER = -(2**63)
TTL_OWNER = -(2**56)


def digest(tree: Tree) -> int:
    """Returns the digest of a tree."""
    pairs = zip(tree.paths, tree.nodes, strict=True)
    return sum(node_digest(path, node) for path, node in pairs if not path.startswith("/zookeeper/")) % 2**64


def node_digest(path: str, node: Node) -> int:
    """Returns the checksum of a node; the root counts with an empty path."""
    stat = pack(
        ">qqqqqiiiq",
        node.czxid,
        node.mzxid,
        node.pzxid,
        node.ctime,
        node.mtime,
        node.version,
        node.cversion,
        node.aversion,
        stored_owner(node),
    )
    name = b"" if path == ROOT else path.encode()
    return crc32(name + (node.data or b"") + stat)


def stored_owner(node: Node) -> int:
    """Returns the number that ZooKeeper stores as a node's ephemeral owner. ZooKeeper: EphemeralType."""
    if node.is_container:
        return CONTAINER_OWNER
    return node.owner if node.ttl is None else TTL_OWNER + node.ttl
