"""The fast search: worlds as columns of numbers, actions learned as decision trees, blocks at a time."""
