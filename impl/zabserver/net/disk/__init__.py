"""Files of a data directory: transaction logs, snapshots, epochs, and recovery at a start."""
