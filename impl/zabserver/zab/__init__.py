"""The sans-IO core of an ensemble's member: how an ensemble agrees on one order of writes.

    ensemble        the members, and which sets of them are quorums
    election        leader election
    history         what a leader sends a learner to synchronize it
    storage         what a member needs of its disk
    link            a connection between two members
    role            what roles have in common
    handler         what a leader knows of one learner
    configuration   changes of the members
    succession      a leader's part in such changes
    leader_service  how a leader serves clients, its own and its learners'
    leader          discovery, synchronization and broadcast at the leader
    learner         the same at a follower or an observer
    peer            one member, which looks for a leader, leads or follows, and looks again

ZooKeeper: org.apache.zookeeper.server.quorum.
"""
