"""A server that existing ZooKeeper clients use unmodified. Nothing of it is written yet (issues 5 and 6)."""
