"""The clients that ship with ZooKeeper print the same on a real server and on ours.

`zkCli.sh` is the Java client (Debian's package `zookeeper`), `cli_mt` the C client (`zookeeper-bin`).
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from zabserver.testing import ZooKeeper

if TYPE_CHECKING:
    from conftest import Apache

pytestmark = pytest.mark.apache

JAVA_CLIENT = Path("/usr/share/zookeeper/bin/zkCli.sh")
C_CLIENT = Path("/usr/lib/zookeeper/bin/cli_mt")
LAST_EVENT = re.compile(r"\s*WATCHER::\s*(WatchedEvent state:Closed type:None path:null\s*)?\Z")
"""What the Java client prints of the end of its session, unless its process ends before."""
NO_NODE = "/ctour-none"
TIMEOUT = 240.0
"""Longest time for a tour, in seconds: a busy machine takes a minute to start a JVM."""

JAVA_TOUR = """
create /tour hello
get /tour
get -s /tour
set /tour x
set -v 0 /tour stale
create -e /tour/mine
create -s /tour/s-
create -e -s /tour/es-
create -c /tour/container
create -t 100000 /tour/ttl
create /tour
ls -R /tour
ls -s /tour
stat -w /tour
set /tour watched
ls -w /tour
create /tour/seen
getAcl /tour
setAcl /tour/s-0000000001 world:anyone:r
getAcl -s /tour/s-0000000001
set /tour/s-0000000001 refused
addauth digest user:secret
create /tour/own data auth:user:secret:cdrwa
getAcl /tour/own
whoami
getEphemerals /tour
getAllChildrenNumber /tour
sync /tour
setquota -n 50 /tour
listquota /tour
delquota /tour
addWatch /tour/own
set /tour/own again
removewatches /tour/own
removewatches /tour/own
get /tour/nothing
delete /tour
deleteall /tour
stat /tour
quit
"""

C_TOUR = """
create /ctour
set /ctour hello
get /ctour
wexists /ctour
set /ctour watched
create +e /ctour/mine
create +s /ctour/s-
create2 /ctour/two
ls /ctour
ls2 /ctour
exists /ctour/nothing
get_acl /ctour
sync /ctour
addauth digest user:secret
create /ctour
delete /ctour
delete /ctour/two
"""


def printed(text: str) -> list[str]:
    """Returns the lines, sorted, without what differs from run to run: times, zxids, sessions, the order of
    events.
    """
    text = re.sub(r"[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ [\d:]{8} (UTC )?\d{4}", "TIME", text)
    text = re.sub(
        r"(zxid ?= ?|Zxid = |ephemeralOwner = |[Ss]ession Id = )(0x)?[1-9a-f][0-9a-f]*", r"\1 N", text
    )
    text = re.sub(r"time = -?\d+ msec", "", text)
    left_out = re.compile(r"SLF4J|JLine|Connecting to|ZOO_|Got a new session|^\s*$")
    return sorted(line for line in text.splitlines() if not left_out.search(line))


def java_tour(port: int) -> str:
    if not JAVA_CLIENT.exists():
        pytest.skip(f"no {JAVA_CLIENT} (apt-get install zookeeper)")
    done = subprocess.run(
        ["bash", str(JAVA_CLIENT), "-server", f"127.0.0.1:{port}"],
        input=JAVA_TOUR.strip() + "\n",
        env=os.environ | {"JVMFLAGS": "-Xmx128m"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return LAST_EVENT.sub("\n", done.stdout) + done.stderr


def c_tour(port: int) -> str:
    """Sends each request once everything about the one before is printed, so that lines are not mixed up.

    The client prints from two threads, and a watch event in several pieces: on a busy machine, "Creating" may
    be printed in the middle of one. One thread prints replies and events, in order. So each request is
    followed by another that fails: once its reply is printed, that thread has nothing more to print.
    """
    if not C_CLIENT.exists():
        pytest.skip(f"no {C_CLIENT} (apt-get install zookeeper-bin)")
    client = subprocess.Popen(
        [str(C_CLIENT), "-h", f"127.0.0.1:{port}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = threading.Timer(TIMEOUT, client.kill)
    watchdog.start()
    lines: list[str] = []
    try:
        assert client.stdin is not None
        assert client.stdout is not None
        for request in C_TOUR.splitlines():
            client.stdin.write(f"{request}\ndelete {NO_NODE}\n")
            client.stdin.flush()
            for line in client.stdout:
                if line.startswith(f"{NO_NODE}: rc = "):
                    break
                lines.append(line)
            else:
                pytest.fail(f"no reply to {request!r}: {lines}")
        rest, _ = client.communicate("quit\n")
    finally:
        watchdog.cancel()
        client.kill()
        client.wait()
    return "".join(lines) + rest


@pytest.mark.parametrize(
    ("tour", "said"),
    [
        (java_tour, ["Created /tour/s-0000000001", "digest: user", "Sync is OK", "Node not empty: /tour"]),
        (c_tour, ["Error -101 for /ctour/nothing", "/ctour: rc = -111", "\tname = /ctour/s-0000000001"]),
    ],
)
def test_a_client_prints_the_same(apache: Apache, tour: Callable[[int], str], said: list[str]) -> None:
    with ZooKeeper(tick=2000) as ours:
        found = printed(tour(ours.port))
    for each in said:
        assert each in "\n".join(found)
    assert found == printed(tour(apache.port))
