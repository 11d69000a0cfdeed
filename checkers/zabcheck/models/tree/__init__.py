"""The tree of znodes: every short sequence of operations on `zabspec.tree`, and mutants of that spec."""
