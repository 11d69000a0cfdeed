"""ZooKeeper's file formats, byte for byte: transaction logs and snapshots. Nothing here opens a file."""
