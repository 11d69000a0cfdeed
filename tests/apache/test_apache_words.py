"""Four-letter words of a real Apache ZooKeeper 3.8.0 and of ours have the same fields in the same lines."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from zabcheck.servers.session import Session
from zabserver.testing import ZooKeeper
from zabspec import tree

if TYPE_CHECKING:
    from conftest import Apache

pytestmark = pytest.mark.apache

THREADS = re.compile(
    r"(avg|min|max|cnt|sum|p50|p95|p99|p999)_|.*(processor|proposal|commit|learner|ensemble_auth|cache|queue|"
    r"revalidate|stale|throttle|diff|snap|looking|leading|dead_watcher|unsuccessful_handshake|tls|outstanding_changes|"
    r"non_mtls|insecure_admin|digest_mismatches|unrecoverable|large_requests|watch_bytes|without_zk_server)"
)
"""Counts of Apache's threads, caches and ensembles, which our server does not have."""
JAVA = {
    "java.vendor",
    "java.home",
    "java.class.path",
    "java.library.path",
    "java.io.tmpdir",
    "java.compiler",
} | {
    "os.memory.free",
    "os.memory.max",
    "os.memory.total",
}


@pytest.fixture(scope="module")
def both(apache: Apache) -> Iterator[tuple[int, int]]:
    """Yields the ports of both servers, each with one client that has an ephemeral node and a watch."""
    with ZooKeeper(tick=2000) as ours:
        sessions = [Session("127.0.0.1", port) for port in (apache.port, ours.port)]
        for session in sessions:
            session.call(tree.Create("/words", b"", flag=tree.Flag.EPHEMERAL))
            session.call(tree.GetData("/words", watch=True))
        yield apache.port, ours.port
        for session in sessions:
            session.call(tree.CloseSession())


def ask(port: int, word: str) -> str:
    with socket.create_connection(("127.0.0.1", port), 10) as wire:
        wire.sendall(word.encode())
        found = b""
        while chunk := wire.recv(1 << 16):
            found += chunk
    return found.decode()


def shape(text: str) -> list[str]:
    """Returns lines in which all numbers are replaced by the same."""
    text = re.sub(r"(?m)^(Zookeeper version: ).*", r"\1", text)
    text = re.sub(r"expire at .*:", "expire at TIME:", text)
    text = re.sub(r"0x[0-9a-f]+", "0xN", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "IP", text)
    return [re.sub(r"\d+(\.\d+)?", "N", line) for line in text.rstrip("\n").split("\n")]


@pytest.mark.parametrize(
    "word", ["ruok", "isro", "srvr", "wchs", "wchp", "wchc", "dirs", "crst", "srst", "gtmk"]
)
def test_answers_have_the_same_shape(both: tuple[int, int], word: str) -> None:
    apache, ours = (ask(port, word) for port in both)
    assert shape(ours) == shape(apache)


@pytest.mark.parametrize("word", ["stat", "cons"])
def test_clients_are_shown_alike(both: tuple[int, int], word: str) -> None:
    """The number and the order of connections differ between the servers."""
    apache, ours = (sorted(set(shape(ask(port, word).replace("lop=NA", "lop=GETD")))) for port in both)
    assert ours == apache


def test_conf_has_the_same_names(both: tuple[int, int]) -> None:
    apache, ours = ([line.split("=")[0] for line in ask(port, "conf").split()] for port in both)
    assert ours == apache


def test_envi_has_the_same_names_but_those_of_java(both: tuple[int, int]) -> None:
    apache, ours = ({line.split("=")[0] for line in ask(port, "envi").splitlines()} for port in both)
    assert apache - ours == JAVA
    assert ours - apache == {"python.executable"}


def test_mntr_has_the_same_names_but_those_of_threads(both: tuple[int, int]) -> None:
    apache, ours = ({line.split("\t")[0][3:] for line in ask(port, "mntr").splitlines()} for port in both)
    summaries = {
        f"{which}_{what}" for which in ("avg", "min", "max") for what in ("latency", "client_response_size")
    }
    own = {*summaries, "max_file_descriptor_count"}
    assert {name for name in apache if name in own or not THREADS.match(name)} == ours


def test_dump_has_the_same_parts(both: tuple[int, int]) -> None:
    apache, ours = (sorted(set(shape(ask(port, "dump")))) for port in both)
    assert ours == apache
