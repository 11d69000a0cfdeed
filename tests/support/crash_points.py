"""Crashes before each call that changes or syncs a file.

The order of these calls is checked too: if each is on disk before the next is made, a crash of the machine
leaves the same as one of the process, except for what was written to a file that was not synced.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

CALLS = ("unlink", "rename", "replace", "ftruncate", "fsync", "fdatasync", "pwrite")


class Crash(BaseException):
    """The machine crashes."""


class Recorder:
    """Replaces some functions of `os`.

    Args:
        until: number of the call before which the machine crashes; none if there are fewer calls.

    Attributes:
        calls: the calls that were made, each with its path.
    """

    def __init__(self, until: int = 1 << 30) -> None:
        self.until = until
        self.calls: list[tuple[str, Path]] = []
        self._is_off = False

    def standing_for(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Returns what replaces a function."""

        def recorded(*arguments: Any, **more: Any) -> Any:
            path = path_of(arguments[0])
            if self._is_off:
                raise Crash
            if len(self.calls) == self.until:
                self._is_off = True
                is_new = not any(each == path for _, each in self.calls)
                if name == "fsync" and path.is_file() and is_new:
                    os.truncate(path, path.stat().st_size // 2)
                if name == "pwrite":
                    call(arguments[0], arguments[1][: len(arguments[1]) // 2], *arguments[2:])
                raise Crash
            is_growth = name == "ftruncate" and arguments[1] >= path.stat().st_size
            self.calls.append(("growth" if is_growth else name, path))
            return call(*arguments, **more)

        return recorded


def path_of(file: int | str | os.PathLike[str]) -> Path:
    """Returns the path of a file, given by name or by descriptor."""
    return Path(os.readlink(f"/proc/self/fd/{file}")) if isinstance(file, int) else Path(file)


@contextmanager
def recording(until: int = 1 << 30) -> Iterator[Recorder]:
    """Records changes to files, and crashes before one of them."""
    recorder = Recorder(until)
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, recorder.standing_for(name, getattr(os, name)))
        with suppress(Crash):
            yield recorder


def check_each_is_synced(calls: list[tuple[str, Path]]) -> None:
    """Checks that each change but growth is synced before the next: a name by its directory, a length by its
    file.
    """
    for at, (name, path) in enumerate(calls):
        if name in ("unlink", "rename", "replace", "ftruncate"):
            wanted = path if name == "ftruncate" else path.parent
            assert calls[at + 1 : at + 2] == [("fsync", wanted)], calls[at:]
        if name in ("rename", "replace"):
            assert ("fsync", path) in calls[:at], calls[:at]
