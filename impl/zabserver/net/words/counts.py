"""Numbers that tell how a server is doing, under the names that ZooKeeper gives them.

ZooKeeper: MonitorCommand, ServerMetrics.
"""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zabserver.net.shell.shell import Shell


@dataclass(slots=True)
class Sizes:
    """How large replies were, in bytes: of all that went out in one write, the first is looked at."""

    last: int = -1
    least: int = -1
    most: int = -1

    def add(self, size: int) -> None:
        """One more."""
        self.last = size
        if size < self.least or self.least < 0:
            self.least = size
        if size > self.most:
            self.most = size


@dataclass(slots=True)
class Answered:
    """How long one client waited, in milliseconds, from what it sent until something was sent back."""

    asked: int = -1
    at: int = 0
    last: int = 0
    least: int = 0
    most: int = 0
    total: int = 0
    count: int = 0

    def on_asked(self, now: int) -> None:
        """The client sent something."""
        if self.asked < 0:
            self.asked = now

    def on_sent(self, now: int) -> None:
        """The client was sent something."""
        if self.asked < 0:
            return
        waited = now - self.asked
        self.at, self.last, self.asked = now, waited, -1
        if waited < self.least or not self.count:
            self.least = waited
        if waited > self.most:
            self.most = waited
        self.total += waited
        self.count += 1

    @property
    def mean(self) -> int:
        """Of all; 0 if there are none."""
        return self.total // self.count if self.count else 0


def counts(server: Shell) -> dict[str, int | float]:
    """The numbers of `mntr`, without `zk_` before their names."""
    service, port = server.service, server.port
    tree, latency, watches = service.tree, service.latency, service.tree.watches
    return {
        "avg_latency": round(latency.mean, 4),
        "min_latency": latency.least,
        "max_latency": latency.most,
        "packets_received": service.received + sum(each.received for each in service.connections),
        "packets_sent": service.sent + sum(each.sent for each in service.connections),
        "num_alive_connections": len(service.connections),
        "outstanding_requests": service.outstanding,
        "znode_count": tree.count,
        "watch_count": watches.data.count + watches.children.count,
        "ephemerals_count": sum(map(len, tree.ephemerals.values())),
        "approximate_data_size": tree.data_size,
        "global_sessions": len(service.sessions.open),
        "local_sessions": 0,
        "open_file_descriptor_count": len(os.listdir("/proc/self/fd"))
        if os.path.isdir("/proc/self/fd")
        else -1,
        "max_file_descriptor_count": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "uptime": int((time.monotonic() - server.started) * 1000),
        "auth_failed_count": service.auth_failures,
        "last_client_response_size": port.response_sizes.last,
        "min_client_response_size": port.response_sizes.least,
        "max_client_response_size": port.response_sizes.most,
        "connection_drop_probability": 0.0,  # no connection is turned away by lot here
        "connection_request_count": port.accepted,
        "connection_rejected": port.refused,
        "connection_drop_count": port.lost,
        "sessionless_connections_expired": port.without_session,
        "bytes_received_count": port.bytes_received,
        "response_bytes": port.bytes_sent,
    }
