"""Quotas: limits on how many nodes and bytes a subtree has, kept under /zookeeper/quota, and what it uses.

The limits of a subtree P are the data of /zookeeper/quota/P/zookeeper_limits, its usage that of
zookeeper_stats beside it. Usage is written straight into that node: it has no version, no zxid and triggers
nothing. Only the deepest subtree with limits is charged.

ZooKeeper: Quotas, StatsTrack, PathTrie, DataTree.updateQuotaStat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zabserver.service.node import Node

ROOT = b"/zookeeper/quota"
LIMITS = b"/zookeeper_limits"
STATS = b"/zookeeper_stats"


@dataclass(frozen=True, slots=True)
class Track:
    """Numbers of nodes and bytes; -1 for no limit. The hard ones may be enforced."""

    count: int = -1
    size: int = -1
    hard_count: int = -1
    hard_bytes: int = -1

    def encode(self) -> bytes:
        """As the nodes' data has it."""
        text = f"count={self.count},bytes={self.size}"
        if self.hard_count != -1 or self.hard_bytes != -1:
            text += f"=;byteHardLimit={self.hard_bytes};countHardLimit={self.hard_count}"
        return text.encode()


def decode(data: bytes | None) -> Track:
    """The numbers in a node's data; what is not there or not a number is no limit."""
    found = {}
    for part in (data or b"").replace(b"=;", b",").replace(b";", b",").split(b","):
        name, _, value = part.partition(b"=")
        try:
            found[name] = int(value)
        except ValueError:
            continue
    return Track(
        found.get(b"count", -1),
        found.get(b"bytes", -1),
        found.get(b"countHardLimit", -1),
        found.get(b"byteHardLimit", -1),
    )


class Limits:
    """The subtrees that have limits."""

    __slots__ = ("paths",)

    def __init__(self) -> None:
        self.paths: set[bytes] = set()

    def subtree_of(self, path: bytes) -> bytes | None:
        """The deepest subtree with limits that a path is in."""
        if not self.paths or path == ROOT or path.startswith(b"/zookeeper/"):
            return None
        while path:
            if path in self.paths:
                return path
            path = path[: path.rindex(b"/")]
        return None

    def on_created(self, nodes: Mapping[bytes, Node], path: bytes, size: int) -> None:
        """A node was created, with so many bytes."""
        if path.startswith(ROOT):
            self._on_quota_node_created(nodes, path)
        elif self.paths:
            self._charge(nodes, path, 1, size)

    def on_deleted(self, nodes: Mapping[bytes, Node], path: bytes, size: int) -> None:
        """A node was deleted that had so many bytes."""
        if path.startswith(ROOT) and path.endswith(LIMITS):
            self.paths.discard(path[len(ROOT) : -len(LIMITS)])
        elif self.paths:
            self._charge(nodes, path, -1, -size)

    def on_changed(self, nodes: Mapping[bytes, Node], path: bytes, size: int) -> None:
        """A node's data got so many bytes longer."""
        self._charge(nodes, path, 0, size)

    def _on_quota_node_created(self, nodes: Mapping[bytes, Node], path: bytes) -> None:
        """Limits begin to count when they are set, usage when there is a place for it."""
        if path.endswith(LIMITS):
            self.paths.add(path[len(ROOT) : -len(LIMITS)])
        elif path.endswith(STATS):
            measure(nodes, path[len(ROOT) : -len(STATS)])

    def _charge(self, nodes: Mapping[bytes, Node], path: bytes, count: int, size: int) -> None:
        subtree = self.subtree_of(path)
        stats = None if subtree is None else nodes.get(ROOT + subtree + STATS)
        if stats is not None:
            used = decode(stats.data)
            stats.data = Track(used.count + count, used.size + size).encode()

    def is_exceeded(self, nodes: Mapping[bytes, Node], path: bytes, count: int, size: int) -> bool:
        """Whether so many nodes and bytes more at a path would break a hard limit."""
        subtree = self.subtree_of(path)
        limits = None if subtree is None else nodes.get(ROOT + subtree + LIMITS)
        if subtree is None or limits is None:
            return False
        allowed = decode(limits.data)
        stats = nodes.get(ROOT + subtree + STATS)
        used = Track(0, 0) if stats is None else decode(stats.data)
        return (count > 0 and -1 < allowed.hard_count < used.count + count) or (
            size > 0 and -1 < allowed.hard_bytes < used.size + size
        )


def measure(nodes: Mapping[bytes, Node], subtree: bytes) -> None:
    """Counts what a subtree uses anew and notes it."""
    stats = nodes.get(ROOT + subtree + STATS)
    if stats is None:
        return
    sizes: list[int] = []
    todo = [subtree]
    while todo:
        path = todo.pop()
        node = nodes.get(path)
        if node is not None:
            sizes.append(len(node.data or b""))
            todo += [path + b"/" + name for name in sorted(node.children)]
    stats.data = Track(len(sizes), sum(sizes)).encode()


def load(nodes: Mapping[bytes, Node]) -> Limits:
    """The limits that a loaded tree has, with usage counted anew."""
    limits = Limits()
    for path in sorted(nodes):
        if path.startswith(ROOT + b"/") and path.endswith(LIMITS):
            limits.paths.add(path[len(ROOT) : -len(LIMITS)])
    for subtree in sorted(limits.paths):
        measure(nodes, subtree)
    return limits
