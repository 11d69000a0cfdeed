"""ZAB 1.0 as ZooKeeper runs it: `zabspec.zab` and `zabspec.zab_elected` within bounds, and their mutants."""
