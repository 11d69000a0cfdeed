"""Output of `zab ensemble`: a line for each change of a member's state, or a table on a terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of one member.

    Attributes:
        mode: leader, follower, observer or looking; "silent" if it does not answer; "ended" if its process
            has.
        epoch: its current epoch.
        zxid: the last zxid that it has applied, in hexadecimal.
        connections: number of connected clients.
    """

    mode: str
    epoch: str = ""
    zxid: str = ""
    connections: str = ""


class Show:
    """Prints a line for each change of a member's state."""

    def __init__(self) -> None:
        self._before: dict[int, tuple[str, str, str]] = {}

    def say(self, line: str) -> None:
        """Prints any other line."""
        print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)

    def standings(self, standings: Mapping[int, Standing]) -> None:
        """Prints the members whose state has changed, except for their zxid, which changes all the time."""
        for sid, now in standings.items():
            what = (now.mode, now.epoch, now.connections)
            if self._before.get(sid) != what:
                self._before[sid] = what
                more = f", epoch {now.epoch}, zxid {now.zxid}, {now.connections} connected"
                self.say(f"server {sid}: {now.mode}{more if now.epoch else ''}")


class Redrawn(Show):
    """Draws a table of all members again and again, on a terminal, with rich.

    Args:
        live: a `rich.live.Live`.
        ports: port for clients of each member.
    """

    def __init__(self, live: Any, ports: Mapping[int, int]) -> None:
        super().__init__()
        self._live = live
        self._ports = ports

    def say(self, line: str) -> None:
        """Prints any other line, above the table."""
        self._live.console.print(f"{time.strftime('%H:%M:%S')} {line}", highlight=False)

    def standings(self, standings: Mapping[int, Standing]) -> None:
        """Draws the table."""
        from rich.table import Table  # noqa: PLC0415 - it may not be there

        table = Table()
        for heading in ("server", "clients at", "mode", "epoch", "zxid", "connected"):
            table.add_column(heading, justify="left" if heading in ("mode", "clients at") else "right")
        for sid, now in standings.items():
            style = {"leader": "bold", "looking": "yellow", "ended": "red"}.get(now.mode, "")
            at = f"127.0.0.1:{self._ports[sid]}"
            table.add_row(str(sid), at, now.mode, now.epoch, now.zxid, now.connections, style=style)
        self._live.update(table, refresh=True)


@contextlib.contextmanager
def shown(ports: Mapping[int, int]) -> Iterator[Show]:
    """Yields what shows the members: a table if stdout is a terminal and rich is installed, lines otherwise.

    Args:
        ports: port for clients of each member.
    """
    if not sys.stdout.isatty():
        yield Show()
        return
    try:
        from rich.live import Live  # noqa: PLC0415 - it may not be there
    except ImportError:
        yield Show()
        return
    with Live(auto_refresh=False) as live:
        yield Redrawn(live, ports)
