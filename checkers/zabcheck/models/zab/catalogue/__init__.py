"""Bugs that ZooKeeper had, and the rules about what must be on disk before a message is sent."""
