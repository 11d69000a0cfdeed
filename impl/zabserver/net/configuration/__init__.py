"""Settings: zoo.cfg, the files of dynamic configuration, and the keys that ZooKeeper knows."""
