"""The quorum core: how an ensemble agrees on one order of writes, without sockets, disks and clocks.

    ensemble   who the members are, and which of them make a quorum
    election   who leads
    history    what a leader sends a learner that has another history
    storage    what a member needs of its disk
    link       a connection between two members
    role       what roles share
    handler    what a leader knows of one learner
    leader_service   how a leader puts the writes of all clients in order
    leader     discovery, synchronization and broadcast, at the leader
    learner    the same at a follower or an observer
    peer       one member: it looks for a leader, then leads or follows, and looks again

ZooKeeper: org.apache.zookeeper.server.quorum.
"""
