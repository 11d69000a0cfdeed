"""A world around server cores: disks that forget what was not synced, a network that cuts, one clock.

disk    a disk in memory
client  a client in memory
world   the members of an ensemble, and all that may happen to them, one event at a time
"""
