"""Files of a data directory: transaction logs, snapshots, epochs, and recovery at the start of a server."""
