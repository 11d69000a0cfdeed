"""Executable specifications of ZooKeeper's atomic broadcast, and of what its clients may see."""
