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
        "Promises of an epoch were not on disk: a server raised the epoch by itself, and two servers led in "
        "one epoch.",
        ("promise-lost", "ackepoch-before-promise"),
    ),
    Past(
        (582,),
        "A server with a snapshot and no log went on in an old epoch.",
        why_not="The specs do not distinguish histories by the kind of file that holds them.",
    ),
    Past(
        (962,),
        "Proposals made while a leader computed a learner's DIFF were not sent to the learner.",
        ("outstanding_not_sent", "propose-to-acknowledged"),
    ),
    Past(
        (1154, 1156),
        "A former leader kept the uncommitted end of its log, because the new leader sent it only later "
        "transactions.",
        ("trunc-ignored",),
    ),
    Past(
        (1192,),
        "A leader that waited for acknowledgements of its epoch checked the wrong set of servers, and could "
        "wait for ever.",
        ("leader_never_stops_waiting",),
    ),
    Past(
        (1277,),
        "The counter of a zxid overflowed into its epoch.",
        why_not="Counters are unbounded here, and no bounds that can be explored come near 2^32.",
    ),
    Past(
        (1319, 1367),
        "Transactions between a snapshot and UPTODATE were applied and not logged, or lost.",
        ("ZOOKEEPER-3911", "only-new-sent"),
    ),
    Past(
        (1653,),
        "A server that crashed between writing its epoch file and its data does not start.",
        why_not="The server does not start here either, and that violates no property: "
        "`server_refuses_to_start`.",
    ),
    Past(
        (1732, 1805),
        "Votes of one election with different epochs or zxids kept a server from joining.",
        why_not="In `fast_election` a vote that was sent never changes within a round, and logs do not "
        "grow; how ZooKeeper updates old votes is left out.",
    ),
    Past(
        (1549, 2832),
        "TRUNC cut the log, and a snapshot still held the transactions that were cut off.",
        ("truncation-leaves-newer-snapshot",),
    ),
    Past(
        (2325, 3781),
        "A server that found no snapshot started empty, was elected, and made the others delete their data.",
        why_not="No fault here removes what is on disk.",
    ),
    Past(
        (2355,),
        "An ephemeral node was never deleted after its server crashed in the middle of a packet.",
        why_not="ZAB has no sessions and does not look into transactions.",
    ),
    Past(
        (2678, 2845),
        "A server keeps its tree across elections, and the tree lacks transactions that are logged and not "
        "committed.",
        ("ZOOKEEPER-2845", "tree-behind-log"),
    ),
    Past(
        (2959,),
        "Observers were counted in quorums.",
        ("ZOOKEEPER-2959", "observer-acknowledges"),
    ),
    Past(
        (3023, 3911, 4646),
        "A learner acknowledged NEWLEADER before the transactions sent with it were on disk, or applied.",
        ("ZOOKEEPER-3023", "ZOOKEEPER-3911", "ZOOKEEPER-4646"),
    ),
    Past(
        (3104,),
        "A snapshot was labelled with a zxid committed while it was written, and lacked some transactions "
        "up to it.",
        ("ZOOKEEPER-3104",),
    ),
    Past(
        (3526, 4352),
        "A leader mistook the ends of its committed log, and sent a DIFF or TRUNC that went too far.",
        why_not="The cause was read-only mode, which is left out; ZOOKEEPER-4925 is about a committed log "
        "with a hole.",
    ),
    Past((3642,), "A learner took a DIFF on top of a SNAP that was on no disk.", ("ZOOKEEPER-3642",)),
    Past(
        (4269,),
        "A temporary file left by a crash kept a server from starting.",
        why_not="Here a file is replaced in one step.",
    ),
    Past(
        (4394, 4685),
        "A COMMIT or ACK arrived between NEWLEADER and its acknowledgement, where the receiver did not "
        "expect it.",
        ("ZOOKEEPER-4394", "ZOOKEEPER-4685"),
    ),
    Past(
        (4643, 4785),
        "The current epoch was on disk, or acknowledged, before the history was on disk.",
        ("ZOOKEEPER-4643", "ZOOKEEPER-4785"),
    ),
    Past(
        (4712, 4502, 4541),
        "The writing thread survived a shutdown, and wrote after the next synchronization.",
        ("ZOOKEEPER-4712",),
    ),
    Past(
        (4882,),
        "A write failed, the transaction was committed nevertheless, and the log had a hole.",
        why_not="Here a disk performs each write, or the server crashes; a write never fails alone.",
    ),
    Past((4925,), "A leader's committed log had a hole.", ("ZOOKEEPER-4925",)),
    Past(
        (5094,),
        "The tree was ahead of the log after an interrupted TRUNC; the issue is open.",
        ("ZOOKEEPER-5094",),
    ),
)
