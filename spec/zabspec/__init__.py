"""What is right: ZooKeeper's atomic broadcast, and what its clients may see, as executable specifications."""
