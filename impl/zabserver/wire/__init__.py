"""ZooKeeper's wire formats: client protocol, quorum packets and election messages, to bytes and back."""
