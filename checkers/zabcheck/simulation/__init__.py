"""A world around server cores: disks that forget what was not synced, a network that cuts, one clock.

disk       a disk in memory
client     a client in memory
world      the members of an ensemble, and all that may happen to them, one event at a time
mapping    the state of `zabspec.zab` that a world stands for
judging    the spec's properties, put to that state after every step
guarantees what holds of a whole run: nothing committed is lost, clients see one history
run        events by name, taken one after the other and judged
choosing   what may happen next, at random
machine    the same for Hypothesis
shrinking  shorter runs that break the same property
files      runs as files
"""
