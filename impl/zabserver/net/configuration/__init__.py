"""Settings: zoo.cfg, the files of dynamic configuration, and which names ZooKeeper knows."""
