"""A server that existing ZooKeeper clients use unmodified; see impl/README.md for its parts.

wire        formats of the client protocol, and of the quorum and election ports
zab         the core of an ensemble's member: election, leader, follower, observer
service     the core that clients face: tree, sessions, watches, request pipeline
storage     formats of transaction logs and snapshots
net         the shell: event loop, sockets, files, clocks, `zab serve`
testing     a server or an ensemble in a test's own process
"""
