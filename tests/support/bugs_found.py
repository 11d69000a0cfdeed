"""The bugs of the catalogue with the counts at which the search finds each."""

from __future__ import annotations

FOUND = {
    "ZOOKEEPER-2845": (2_953, 15),
    "ZOOKEEPER-3023": (2_385, 17),
    "ZOOKEEPER-2959": (545, 10),
    "ZOOKEEPER-3104": (17_486, 31),
    "ZOOKEEPER-3642": (355_445, 32),
    "ZOOKEEPER-3911": (1_862, 15),
    "ZOOKEEPER-4394": (13_902, 28),
    "ZOOKEEPER-4643": (47_306, 15),
    "ZOOKEEPER-4646": (2_124, 16),
    "ZOOKEEPER-4685": (1_618, 14),
    "ZOOKEEPER-4712": (8_572, 16),
    "ZOOKEEPER-4785": (35_742, 23),
    "ZOOKEEPER-4925": (417_687, 34),
    "ZOOKEEPER-5094": (152_546, 29),
    "acknowledgement-outlives-truncation": (12_317, 25),
    "truncation-leaves-newer-snapshot": (460_269, 38),
    "truncation-snapshot-not-forced": (413_033, 46),
}
"""How many states are found before the bug is, and how many steps the shortest way to it has."""
