"""Counts that describe the state of a server, under ZooKeeper's names.

ZooKeeper: MonitorCommand, ServerMetrics.
"""

from __future__ import annotations

import os
import resource
import time

from zabserver.net.words.observed import Observed


def counts(server: Observed) -> dict[str, int | float]:
    """Returns the counts that `mntr` reports, by name without the prefix `zk_`."""
    service, traffic = server.service, server.port.traffic
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
        "last_client_response_size": traffic.response_sizes.last,
        "min_client_response_size": traffic.response_sizes.least,
        "max_client_response_size": traffic.response_sizes.most,
        "connection_drop_probability": 0.0,  # no connections are dropped at random here
        "connection_request_count": traffic.accepted,
        "connection_rejected": traffic.refused,
        "connection_drop_count": traffic.lost,
        "sessionless_connections_expired": traffic.without_session,
        "bytes_received_count": traffic.bytes_received,
        "response_bytes": traffic.bytes_sent,
    }
