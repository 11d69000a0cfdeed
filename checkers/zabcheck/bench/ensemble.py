"""Three of our servers beside three of Apache's, in one run: `make bench ARGS="ensemble --zkload FILE"`.

The load is that of `zabcheck.bench.server`. Then the faults: the time without writes after the leader is
killed, and the time that a follower which lacks 100,000 transactions needs from its start until it serves,
synchronized once with DIFF and once with SNAP.
"""

from __future__ import annotations

import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import pack, unpack_from

from rich.console import Console
from rich.table import Table

from zabcheck.bench.server import MODES, Beside, binary, fan_out, ratio, resident, throughput
from zabcheck.servers.encoding import data, encoded
from zabcheck.servers.members import Kind, Members, why_no_apache
from zabcheck.servers.session import Disconnected, Session
from zabspec import tree

TICK = 2000
TIMES = 5
"""How often the leader is killed; the median counts."""
LACKING = 100_000
"""How many transactions a follower lacks."""
NODES = 1000
"""How many nodes those transactions write to."""
AT_ONCE = 1000
BY_DIFF = {"commitLogCount": str(2 * LACKING)}
BY_SNAP = {"snapshotSizeFactor": "-1"}


def ensemble(console: Console, zkload: Path | None, rounds: int = 1, seconds: float = 3.0) -> Iterator[Table]:
    """Measures both ensembles, and yields a table for each kind of load, and one for faults.

    Args:
        console: where progress is shown.
        zkload: the source or the binary of the load generator.
        rounds: how often each cell is measured; the table shows medians.
        seconds: how long each measurement takes.

    Raises:
        SystemExit: the generator or Apache ZooKeeper is missing; one line says which.
    """
    if zkload is None:
        raise SystemExit("ensemble: --zkload is needed, the load generator's C source or binary")
    if why_no_apache():
        raise SystemExit(f"ensemble: {why_no_apache()}")
    with tempfile.TemporaryDirectory(prefix="zab-bench-") as name:
        folder = Path(name)
        load = binary(zkload, folder)
        starts = []
        with members(folder, Kind.OURS) as mine, members(folder, Kind.APACHE) as theirs:
            for each in (mine, theirs):
                each.stop_all()
                starts.append(seconds_until_a_write(each, each.start_all))
            ours, apaches = hosts(mine), hosts(theirs)
            idle = [memory(each) for each in (mine, theirs)]
            beside = Beside(load, ours, apaches, rounds)
            for mode in MODES:
                yield throughput(console, beside, mode, seconds)
            yield fan_out(console, beside)
            console.print(beside.summary)
            after = [memory(each) for each in (mine, theirs)]
            console.print("[dim]leaders are killed[/dim]", highlight=False)
            failover = [leader_killed(each) for each in (mine, theirs)]
        console.print("[dim]followers catch up[/dim]", highlight=False)
        diff = [catch_up(folder / "diff", kind, BY_DIFF) for kind in (Kind.OURS, Kind.APACHE)]
        snap = [catch_up(folder / "snap", kind, BY_SNAP) for kind in (Kind.OURS, Kind.APACHE)]
    table = Table(title="three servers: faults and memory, ours / Apache's = ratio")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("seconds from start to the first write", precise(*starts))
    table.add_row(f"seconds from a leader's death to the next write, median of {TIMES}", precise(*failover))
    table.add_row(
        f"seconds from start to serving with {LACKING:,} transactions lacking, DIFF", precise(*diff)
    )
    table.add_row(
        f"seconds from start to serving with {LACKING:,} transactions lacking, SNAP", precise(*snap)
    )
    table.add_row("megabytes of a server, idle", ratio(*idle))
    table.add_row("megabytes of a server, after the load", ratio(*after))
    yield table


def precise(mine: float, theirs: float) -> str:
    """Returns two times and their ratio as text."""
    return f"{mine:.2f} / {theirs:.2f} = {mine / theirs:.2f}"


def members(folder: Path, kind: Kind, settings: dict[str, str] | None = None) -> Members:
    """Returns three servers of a kind, with default settings except for those given."""
    own = {"preAllocSize": "65536", "initLimit": "10", "syncLimit": "5"} | (settings or {})
    return Members(folder / kind, dict.fromkeys((1, 2, 3), kind), tick=TICK, settings=own, memory="1000m")


def hosts(of: Members) -> str:
    """Returns the addresses for clients."""
    return ",".join(f"127.0.0.1:{port}" for port in of.client_ports.values())


def memory(of: Members) -> float:
    """Returns the mean resident memory of the servers, in megabytes."""
    return statistics.mean(resident(process.pid) for process in of.processes.values())


def seconds_until_a_write(of: Members, begin: Callable[[], None]) -> float:
    """Calls `begin`, and returns the seconds until some server acknowledges a write.

    Raises:
        SystemExit: no server does within a minute.
    """
    began = time.monotonic()
    begin()
    while time.monotonic() - began < 60:
        for sid in of.processes:
            try:
                session = Session("127.0.0.1", of.client_ports[sid], 4000)
                session.call(tree.SetData("/", b""))
            except Disconnected:
                continue
            passed = time.monotonic() - began
            session.drop()
            return passed
        time.sleep(0.005)
    raise SystemExit(f"no server acknowledges a write:\n{of.said()}")


def leader_killed(of: Members) -> float:
    """Kills the leader several times, and returns the median time without writes, in seconds."""
    found = []
    for _ in range(TIMES):
        of.wait_until_serving()
        leader = of.leader
        assert leader is not None
        found.append(seconds_until_a_write(of, lambda sid=leader: of.kill(sid)))  # type: ignore[misc]
        of.start(leader)
    return statistics.median(found)


def catch_up(folder: Path, kind: Kind, settings: dict[str, str]) -> float:
    """Returns the seconds that a follower which lacks many transactions needs from its start until it serves.

    Raises:
        SystemExit: it does not serve within two minutes.
    """
    with members(folder, kind, settings) as of:
        of.wait_until_serving()
        lacking = next(sid for sid in of.processes if sid != of.leader)
        others = [sid for sid in of.processes if sid != lacking]
        of.wait_until(lambda: answers_write(of.client_ports[lacking]))
        of.stop(lacking)
        of.wait_until_serving(others)
        write_many(of.client_ports[of.leader or others[0]])
        began = time.monotonic()
        of.start(lacking)
        while not of.mode(lacking):
            if time.monotonic() - began > 120:
                raise SystemExit(f"a follower does not serve within two minutes:\n{of.said()}")
            time.sleep(0.005)
        return time.monotonic() - began


def answers_write(port: int) -> bool:
    """Returns True if a server answers a write, after which it has at least one transaction."""
    try:
        session = Session("127.0.0.1", port, 4000)
        session.call(tree.SetData("/", b""))
    except Disconnected:
        return False
    session.drop()
    return True


def write_many(port: int) -> None:
    """Writes the transactions that the follower will lack: creates nodes and sets them, many requests at
    once.

    Raises:
        SystemExit: a reply is not the one expected.
    """
    session = Session("127.0.0.1", port, 30_000)
    session.drop()
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        greeting = pack(">iqiq", 0, 0, 30_000, 0) + data(bytes(16)) + b"\0"
        connection.sendall(data(greeting))
        stream = connection.makefile("rb")
        _frame(stream.read)
        requests = [tree.Create(f"/lack-{number}", b"x" * 100) for number in range(NODES)]
        frames = [encoded(each) for each in requests]
        frames += [
            encoded(tree.SetData(f"/lack-{number % NODES}", b"y" * 100)) for number in range(LACKING - NODES)
        ]
        for begin in range(0, LACKING, AT_ONCE):
            group = frames[begin : begin + AT_ONCE]
            connection.sendall(
                b"".join(data(pack(">ii", begin + xid, op) + body) for xid, (op, body) in enumerate(group, 1))
            )
            for xid in range(begin + 1, begin + len(group) + 1):
                reply = _frame(stream.read)
                if unpack_from(">i", reply) != (xid,) or unpack_from(">i", reply, 12) != (0,):
                    raise SystemExit(f"request {xid} of {LACKING} was answered with {reply[:16].hex()}")


def _frame(read: Callable[[int], bytes]) -> bytes:
    (length,) = unpack_from(">i", read(4))
    return read(length)
