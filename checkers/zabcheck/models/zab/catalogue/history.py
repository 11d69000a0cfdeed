"""ZooKeeper's known protocol bugs: the mutant that finds each here, or why none can.

Issues are those of ZooKeeper's tracker, grouped by what went wrong. Each mutant named is one of
`zabcheck.models.registry`; it makes the same mistake as the bug, though not always in the same words of code.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Past:
    """A bug, or several with the same cause.

    Attributes:
        issues: the numbers of its issues.
        mechanism: what went wrong.
        found: the names of the mutants with the same mistake.
        why_not: why the bug cannot show here; empty for one that is found.
    """

    issues: tuple[int, ...]
    mechanism: str
    found: tuple[str, ...] = ()
    why_not: str = ""


HISTORY: tuple[Past, ...] = (
    Past(
        (335, 1081, 1082),
        "No promise of an epoch was on disk: a server raised the epoch alone, and two led in one.",
        ("promise-lost", "ackepoch-before-promise"),
    ),
    Past(
        (582,),
        "With a snapshot and no log, a server went on in an old epoch.",
        why_not="Histories are not told apart by the kind of file that they are found in.",
    ),
    Past(
        (962,),
        "What was proposed while a learner's DIFF was worked out was not sent to it.",
        ("outstanding_not_sent", "propose-to-acknowledged"),
    ),
    Past(
        (1154, 1156),
        "A leader of old with a tail of its own was sent what came after that, and kept it.",
        ("trunc-ignored",),
    ),
    Past(
        (1192,),
        "The wait for acknowledgements of an epoch looked at the wrong set, and could last for ever.",
        ("leader_never_stops_waiting",),
    ),
    Past(
        (1277,),
        "The counter of a zxid overflowed into its epoch.",
        why_not="Counters have no end here, and no bounds that can be explored come near 2^32.",
    ),
    Past(
        (1319, 1367),
        "What came between a snapshot and UPTODATE was applied and not logged, or lost.",
        ("ZOOKEEPER-3911", "only-new-sent"),
    ),
    Past(
        (1653,),
        "After a crash between epoch file and data a server does not start.",
        why_not="It does not start here either, and that is no violation: `server_refuses_to_start`.",
    ),
    Past(
        (1732, 1805),
        "Votes of one election with different epochs or zxids kept a server out.",
        why_not="A vote that has been told never changes within a round in `fast_election`, and a server's "
        "log does not grow there; how ZooKeeper brings old votes up to date is left out.",
    ),
    Past(
        (1549, 2832),
        "TRUNC cut the log, and what was cut off was in a snapshot.",
        ("truncation-leaves-newer-snapshot",),
    ),
    Past(
        (2325, 3781),
        "A server that found no snapshot took itself for empty, was elected and wiped out the others.",
        why_not="A crash keeps what is on disk; no fault here takes that away.",
    ),
    Past(
        (2355,),
        "An ephemeral node was never deleted after its server died in the middle of a packet.",
        why_not="There are no sessions in ZAB; what a transaction contains is not looked at.",
    ),
    Past(
        (2678, 2845),
        "The tree is kept across elections and lacks what is logged and not committed.",
        ("ZOOKEEPER-2845", "tree-behind-log"),
    ),
    Past(
        (2959,),
        "Observers were counted in quorums.",
        ("ZOOKEEPER-2959", "observer-acknowledges"),
    ),
    Past(
        (3023, 3911, 4646),
        "NEWLEADER was acknowledged before what came with it was on disk, or applied.",
        ("ZOOKEEPER-3023", "ZOOKEEPER-3911", "ZOOKEEPER-4646"),
    ),
    Past(
        (3104,),
        "A snapshot was labelled with what was committed while it was written, and had not all of it.",
        ("ZOOKEEPER-3104",),
    ),
    Past(
        (3526, 4352),
        "A leader was wrong about the ends of the list from which it sends: a DIFF or TRUNC too far.",
        why_not="That came of read-only mode, which is left out; a list with a hole is ZOOKEEPER-4925.",
    ),
    Past((3642,), "DIFF on top of a SNAP that is on no disk.", ("ZOOKEEPER-3642",)),
    Past(
        (4269,),
        "A temporary file left by a crash kept a server from starting.",
        why_not="A file is replaced in one step here; how is left out.",
    ),
    Past(
        (4394, 4685),
        "COMMIT or ACK came in between NEWLEADER and its acknowledgement, where nobody expected it.",
        ("ZOOKEEPER-4394", "ZOOKEEPER-4685"),
    ),
    Past(
        (4643, 4785),
        "The current epoch was on disk before the history, or acknowledged before it.",
        ("ZOOKEEPER-4643", "ZOOKEEPER-4785"),
    ),
    Past(
        (4712, 4502, 4541),
        "The thread that writes outlived a shutdown, and wrote after the next synchronization.",
        ("ZOOKEEPER-4712",),
    ),
    Past(
        (4882,),
        "A write failed, was committed nevertheless, and the log had a hole.",
        why_not="A disk writes what it is given, or the server crashes; there is no third.",
    ),
    Past((4925,), "The list from which a leader sends had a hole.", ("ZOOKEEPER-4925",)),
    Past(
        (5094,),
        "The tree was ahead of the log after an interrupted TRUNC; open as we write.",
        ("ZOOKEEPER-5094",),
    ),
)
