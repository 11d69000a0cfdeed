"""Nodes that the server may delete by itself: empty containers, and nodes whose time to live is over.

ZooKeeper: ContainerManager.getCandidates.
"""

from __future__ import annotations

from collections.abc import Iterator

from zabserver.service.node import ttl_of
from zabserver.service.tree import Tree


def due_for_deletion(tree: Tree, now: int, longest_unused: int) -> Iterator[bytes]:
    """The paths of those that are due.

    Args:
        tree: where they are.
        now: milliseconds since 1970.
        longest_unused: after how many milliseconds a container is due that never had a child; 0 for never.
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
