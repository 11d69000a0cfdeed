"""ZooKeeper's files, byte for byte: transaction logs and snapshots, and back; none is opened here."""
