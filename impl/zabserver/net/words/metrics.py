"""Metrics over HTTP in Prometheus' format: the counts of `mntr`, under ZooKeeper's names.

Needs prometheus-client (`pip install 'zabkit[metrics]'`), and `metricsProvider.httpPort` in zoo.cfg.

ZooKeeper: PrometheusMetricsProvider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from zabserver.net.words.counts import counts
from zabserver.net.words.observed import Observed

LONGEST_REQUEST = 8192
"""Longest request, in bytes."""
TIMEOUT = 10.0
"""Longest time to receive a request, and to send the response, in seconds."""


class MetricsPort:
    """The HTTP port for metrics; closed unless zoo.cfg sets it.

    Args:
        server: the server whose metrics are served.

    Attributes:
        number: the port; None if metrics are not served.
    """

    def __init__(self, server: Observed) -> None:
        self.server = server
        self.number: int | None = None
        self._client: Any = None
        self._listener: asyncio.Server | None = None

    async def open(self) -> None:
        """Starts listening, if zoo.cfg sets a port for metrics.

        Raises:
            OSError: the port cannot be bound.
            ValueError: prometheus-client is not installed.
        """
        options = self.server.options
        if options.metrics_port is None:
            return
        try:
            import prometheus_client.core  # noqa: PLC0415 - it may not be there
        except ImportError:
            raise ValueError(
                "metrics over HTTP need prometheus-client: pip install 'zabkit[metrics]'"
            ) from None
        self._client = prometheus_client
        self._listener = await asyncio.start_server(
            self._serve, options.metrics_host, options.metrics_port, limit=LONGEST_REQUEST
        )
        self.number = self._listener.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stops listening."""
        if self._listener is not None:
            self._listener.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request and closes the connection."""
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), TIMEOUT)
            writer.write(self._answer(head))
            await asyncio.wait_for(writer.drain(), TIMEOUT)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # there is no request, or nobody to answer
        finally:
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.split(b" ", 1)[0].split(b"?", 1)[0]
        if method not in (b"GET", b"HEAD"):
            return response("405 Method Not Allowed", b"")
        if path not in (b"/", b"/metrics"):
            return response("404 Not Found", b"")
        return response("200 OK", exposition(self._client, self.server) if method == b"GET" else b"")


def response(status: str, body: bytes) -> bytes:
    r"""Returns an HTTP response.

    >>> response("404 Not Found", b"").split(b"\r\n")[0]
    b'HTTP/1.1 404 Not Found'
    """
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: text/plain; version=0.0.4; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "\r\n",
    ]
    return "\r\n".join(lines).encode() + body


def exposition(client: Any, server: Observed) -> bytes:
    """Returns all metrics in Prometheus' text format.

    Args:
        client: the module `prometheus_client`.
        server: the server whose metrics are returned.
    """

    class Collector:
        def collect(self) -> Iterator[Any]:
            for name, value in counts(server).items():
                yield client.core.GaugeMetricFamily(name, name.replace("_", " "), float(value))

    registry = client.CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    text: bytes = client.generate_latest(registry)
    return text
