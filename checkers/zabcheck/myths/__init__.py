"""Claims about ZooKeeper that are false, or not quite true: each is refuted by a shortest run.

case         what a myth is, and how its run is found
looking      questions about a run
watching     myths about watches and their events
reading      myths about reads, versions and connections
locking      myths about locks, sessions and ephemeral nodes
replicating  myths about how servers replicate
claims       all claims by number: refuted, stated by a property, or left out with a reason
"""
