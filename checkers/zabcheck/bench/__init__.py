"""The tables that `make bench` prints: the speed and memory of the explorer and of the server."""
