"""Nodes that the leader deletes by itself, from time to time.

ZooKeeper: ContainerManager.getCandidates.
"""

from __future__ import annotations

from zabspec.tree.state import Node, Tree, children_of


def due_for_deletion(tree: Tree, now: int, longest_unused: int | None = None) -> tuple[str, ...]:
    """Returns the paths of the nodes to delete: empty containers, and nodes whose time to live is over.

    Args:
        tree: the tree.
        now: in milliseconds since 1970.
        longest_unused: after how many milliseconds a container that never had a child is deleted; None for
            never.
    """
    pairs = zip(tree.paths, tree.nodes, strict=True)
    return tuple(path for path, node in pairs if _is_due(tree, path, node, now, longest_unused))


def _is_due(tree: Tree, path: str, node: Node, now: int, longest_unused: int | None) -> bool:
    if children_of(tree, path):
        return False
    if node.is_container:
        return node.cversion > 0 or (longest_unused is not None and now - node.mtime > longest_unused)
    return node.ttl is not None and now - node.mtime > node.ttl
