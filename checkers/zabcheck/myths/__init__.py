"""What is said of ZooKeeper and is not so, or not quite: each refuted by the shortest run that there is.

case         what a myth is, and how its run is found
looking      what is asked of a run
watching     myths about watches and their events
reading      myths about reads, versions and connections
locking      myths about locks, sessions and ephemeral nodes
replicating  myths about what servers tell each other
claims       all claims by number: refuted, a property, or left out and why
"""
