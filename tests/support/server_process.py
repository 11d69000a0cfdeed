"""A server in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

WAIT = 30.0


@contextmanager
def serving(folder: Path, more: Sequence[str] = ()) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Runs a server in a process of its own, with more settings; kills it at the end if it is still
    running.
    """
    command = [sys.executable, "-m", "zabserver", "serve", "--port", "0", "--data", str(folder)]
    command += ["--set", "snapCount=200", "--set", "preAllocSize=64", "--set", "maxClientCnxns=0"]
    command += [word for each in more for word in ("--set", each)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        yield process, port_of(process)
    finally:
        process.kill()
        process.wait(WAIT)
        assert process.stderr is not None
        process.stderr.close()


def port_of(process: subprocess.Popen[bytes]) -> int:
    """Returns the port from the server's log."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line.decode())
        if b"serving" in line:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return int(line.rpartition(b"port=")[2].split()[0])
    pytest.fail("the server did not start: " + "".join(said))
