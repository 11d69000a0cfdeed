"""Metrics over HTTP can be read by Prometheus' own parser, and count what was done."""

from __future__ import annotations

import contextlib
import socket
import sys
import urllib.error
import urllib.request

import pytest

from zabcheck.servers.session import Session
from zabserver.net.words import metrics
from zabserver.testing import ZooKeeper
from zabspec import tree

parser = pytest.importorskip(
    "prometheus_client.parser", reason="no prometheus-client (pip install 'zabkit[metrics]')"
)

ON = {"metricsProvider.httpPort": "0", "metricsProvider.httpHost": "127.0.0.1"}


def metrics_of(server: ZooKeeper) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return {
        sample.name: sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_count_what_was_done() -> None:
    with ZooKeeper(settings=ON) as server:
        before = metrics_of(server)
        Session("127.0.0.1", server.port).call(tree.Create("/counted"))
        after = metrics_of(server)
    grown = {name: after[name] - before[name] for name in ("znode_count", "global_sessions", "packets_sent")}
    assert grown == {"znode_count": 1, "global_sessions": 1, "packets_sent": 2}


@pytest.mark.parametrize(("path", "method", "code"), [("/other", "GET", 404), ("/metrics", "POST", 405)])
def test_nothing_else_is_served(path: str, method: str, code: int) -> None:
    with ZooKeeper(settings=ON) as server:
        url = f"http://127.0.0.1:{server.metrics_port}{path}"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=60)
        assert refused.value.code == code


def test_a_request_that_never_ends_is_cut_off() -> None:
    with (
        ZooKeeper(settings=ON) as server,
        socket.create_connection(("127.0.0.1", server.metrics_port), 10) as wire,
    ):
        wire.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 4 * metrics.LONGEST_REQUEST)
        with contextlib.suppress(ConnectionResetError):
            assert wire.recv(10) == b""
        assert metrics_of(server)


def test_without_prometheus_client_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "prometheus_client.core", raising=False)
    with pytest.raises(ValueError, match=r"^metrics over HTTP need prometheus-client: pip install"):
        ZooKeeper(settings=ON).start()
    with ZooKeeper() as server, pytest.raises(RuntimeError, match="metrics"):
        assert server.metrics_port
