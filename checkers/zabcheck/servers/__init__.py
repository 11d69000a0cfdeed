"""Real servers, ours and Apache's: clients, processes, and comparison with the spec.

encoding         the spec's requests as bytes, and bytes as its replies and events
session          a client connection: one request at a time, events kept in order
members          server processes: started, stopped, killed and paused
reconfigured     the same, where members join and leave
proxy            the network between servers: cuts, delays and drops
clients          clients that write and watch under faults, and the comparison with what the servers have
session_holders  clients that keep their sessions under faults, and the nodes that depend on these
oracle           what the spec expects of one server and its clients
compare          a running server beside the oracle, one operation at a time
operations       random operations, for Hypothesis

The client is written from the description of the protocol and shares no code with the server, so a mistake in
one shows in the other.
"""
