"""ZooKeeper's bytes: client protocol and records, to values and back."""
