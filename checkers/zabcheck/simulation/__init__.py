"""A simulated world around the server's cores: disks, network, clients and clock, in memory and repeatable.

world              the servers of an ensemble and everything that may happen to them, one step at a time
disk               a disk in memory, which loses what was not synced
client             a client in memory
setting            what a run starts from
events             the names of events, and their arguments
run                a run: events that happen one after the other, each judged at once
choosing           random choices of the next event
machine            the same as a state machine for Hypothesis
mapping            the state of `zabspec.zab` that a world stands for
judging            the spec's properties, put to that state after each step
guarantees         what holds over a whole run: nothing committed is lost, clients see one history
reconfigurations   what holds while the members of the ensemble change
files              runs as files
replaying          a run from a file, run again
shrinking          shorter runs that break the same property
mistake            what a mistake in the cores is
mistakes           mistakes in the cores, all of which the checks must find
reconfiguration_mistakes   those that only show when members change
"""
