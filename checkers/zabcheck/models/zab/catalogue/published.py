"""What others have published about finding ZooKeeper's bugs with TLC, to set beside what we find.

Such figures compare only roughly: the specifications differ in grain, bounds and properties, the machines in
speed. Both begin with one transaction delivered and one proposed, as `zabcheck.models.zab.model.begun` does.

`NJU`: the file `verification-statistics.md` of the NJU group's `zookeeper-tla-spec`, test specs: three
servers, two transactions, four crashes, four partitions; TLC 1.7.0 on six cores of 3.0 GHz; the shortest time
of those given for breadth-first search. Its lengths count states, the initial one and the one it begins with
among them.

`REMIX`: "Multi-Grained Specifications for Distributed System Model Checking and Verification", EuroSys'25,
table 4: ZooKeeper 3.9.1, three servers, up to four transactions, three crashes, three partitions; TLC 1.7.0
with 16 workers; the specification that is most efficient for the bug.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NJU = "NJU's test specs"
REMIX = "Remix, table 4"


@dataclass(frozen=True, slots=True)
class Published:
    """One figure.

    Attributes:
        source: `NJU` or `REMIX`, which the module's docstring describes.
        seconds: how long the search took.
        states: how many states it found.
        depth: how long the run that was found is, as the source counts it.
        violated: the source's name of the property that was violated.
    """

    source: str
    seconds: int
    states: int
    depth: int
    violated: str


PUBLISHED: Mapping[str, tuple[Published, ...]] = {
    "ZOOKEEPER-2845": (Published(NJU, 12, 6_347, 10, "processConsistency"),),
    "ZOOKEEPER-3023": (Published(REMIX, 11, 78_892, 13, "I-11, bad state"),),
    "ZOOKEEPER-3911": (Published(NJU, 42, 286_286, 14, "leaderLogCompleteness"),),
    "ZOOKEEPER-4394": (Published(REMIX, 9, 14_264, 20, "I-14, bad commit"),),
    "ZOOKEEPER-4643": (
        Published(NJU, 69, 847_683, 16, "leaderLogCompleteness"),
        Published(REMIX, 17, 208_018, 21, "I-8, initial history integrity"),
    ),
    "ZOOKEEPER-4646": (
        Published(NJU, 26, 188_076, 14, "leaderLogCompleteness"),
        Published(REMIX, 109, 2_880_498, 21, "I-8, initial history integrity"),
    ),
    "ZOOKEEPER-4685": (
        Published(NJU, 20, 75_833, 14, "daInv.messageLegal"),
        Published(REMIX, 10, 67_418, 12, "I-12, bad acknowledgement"),
    ),
    "ZOOKEEPER-4712": (Published(REMIX, 11, 73_293, 13, "I-10, history consistency"),),
}
"""The figures, by the name of the bug in `bugs.BUGS`; for bugs not listed no figure is known."""
