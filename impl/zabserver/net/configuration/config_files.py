"""The files in which a member keeps the configuration of its ensemble, beside its zoo.cfg.

    zoo.cfg.dynamic.100000002   the members, as committed by the transaction with that zxid
    zoo.cfg.dynamic.next        the members as last proposed, unless they are known to be committed
    zoo.cfg                     names the first of these as dynamicConfigFile, and no longer lists members
    zoo.cfg.bak                 zoo.cfg as the operator wrote it

What a method writes is on disk when it returns. A crash between two steps leaves an earlier configuration, or
the new one and a file that is no longer needed.

ZooKeeper: QuorumPeerConfig.writeDynamicConfig, editStaticConfig; QuorumPeer.setQuorumVerifier.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from zabserver.net.configuration.properties import parse_properties
from zabserver.zab.ensemble import Ensemble, parse_ensemble

DYNAMIC = "dynamicConfigFile"
_MOVED: tuple[str, ...] = ("server.", "group", "weight", DYNAMIC, "peerType")
"""Beginnings of keys that are removed from zoo.cfg once the members are in a file of their own."""


class ConfigFiles:
    """The configuration files of one member.

    Args:
        path: the member's zoo.cfg.
        sid: the member's id.
    """

    def __init__(self, path: Path, sid: int) -> None:
        self.path = path
        self.sid = sid
        self._written = 0

    @property
    def next(self) -> Path:
        """Path of the file with the members as last proposed."""
        return self.path.with_name(f"{self.path.name}.dynamic.next")

    def save(self, committed: Ensemble, last_seen: Ensemble) -> None:
        """Writes the committed configuration if it is new, and the last proposed one if its version is later.

        Args:
            committed: the members of the committed configuration.
            last_seen: the members of the last proposed configuration.

        Raises:
            OSError: a file cannot be written.
        """
        if committed.version > self._written:
            dynamic = self.path.with_name(f"{self.path.name}.dynamic.{committed.version:x}")
            _write(dynamic, _lines(committed, False))
            self._point_to(dynamic.resolve(), committed)
            self._written = committed.version
        if last_seen.version > committed.version:
            _write(self.next, _lines(last_seen, True))
        else:
            self.next.unlink(missing_ok=True)

    def _point_to(self, dynamic: Path, ensemble: Ensemble) -> None:
        """Replaces the members in zoo.cfg by the name of their file; keeps a copy of the original."""
        before = self.path.read_text(encoding="utf-8")
        backup = self.path.with_name(f"{self.path.name}.bak")
        if not backup.exists():
            _write(backup, before)
        own = ensemble.members.get(self.sid)
        moved = _MOVED
        if own is not None and own.client_port is not None:
            moved = (*_MOVED, "clientPort")
        kept = {name: value for name, value in parse_properties(before).items() if not name.startswith(moved)}
        kept[DYNAMIC] = str(dynamic)
        _write(self.path, "".join(f"{name}={_escaped(value)}\n" for name, value in kept.items()))


def read_dynamic(path: Path) -> Ensemble:
    """Returns the members that a dynamic configuration file lists; their version is the extension of its
    name.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line is invalid; the message names it.
    """
    found = _read(path)
    if "version" in found:
        raise ValueError(f"{path}: the version must be in the file's name, not in the file")
    _, _, end = path.name.rpartition(".")
    try:
        version = int(end, 16) if end and not end.strip("0123456789abcdefABCDEF") else 0
        return replace(parse_ensemble(found), version=version)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def read_next(path: Path) -> Ensemble | None:
    """Returns the members as last proposed; None unless they may be uncommitted.

    Args:
        path: the member's zoo.cfg.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line is invalid; the message names it.
    """
    following = ConfigFiles(path, 0).next
    if not following.exists():
        return None
    try:
        return parse_ensemble(_read(following))
    except ValueError as error:
        raise ValueError(f"{following}: {error}") from None


def _read(path: Path) -> dict[str, str]:
    try:
        return parse_properties(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _lines(ensemble: Ensemble, has_version: bool) -> str:
    lines = sorted(ensemble.text().split("\n"))
    return "".join(f"{line}\n" for line in lines if has_version or not line.startswith("version="))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _write(path: Path, text: str) -> None:
    """Writes a file so that a crash leaves either its old content or the new."""
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
