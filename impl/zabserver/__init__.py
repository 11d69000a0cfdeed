"""A server that existing ZooKeeper clients use unmodified; see impl/README.md for its parts.

wire        bytes of the client protocol
service     tree, sessions, watches, and the way of a request through them; waits for nothing
storage     bytes of transaction logs and snapshots
net         the shell: sockets, files, clocks, `zab serve`
testing     a server in a test's own process
"""
