"""Nodes that the server deletes on its own: empty containers, and nodes whose time to live is over.

ZooKeeper: ContainerManager.getCandidates.
"""

from __future__ import annotations

from collections.abc import Iterator

from zabserver.service.node import ttl_of
from zabserver.service.tree import Tree


def due_for_deletion(tree: Tree, now: int, longest_unused: int) -> Iterator[bytes]:
    """Yields the paths of the nodes to delete.

    Args:
        tree: the tree that holds them.
        now: milliseconds since 1970.
        longest_unused: how long a container that never had a child is kept, in milliseconds; 0 for ever.
    """
    for path in list(tree.containers):
        node = tree.nodes[path]
        is_used = node.cversion > 0
        if not node.children and (is_used or 0 < longest_unused < now - node.ctime):
            yield path
    for path in list(tree.ttls):
        node = tree.nodes[path]
        ttl = ttl_of(node.owner)
        if not node.children and ttl is not None and now - node.mtime > ttl:
            yield path
