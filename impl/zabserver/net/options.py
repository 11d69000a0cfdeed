"""What a server is told at its start: `zoo.cfg`, read as ZooKeeper reads it.

ZooKeeper: QuorumPeerConfig, ServerConfig.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zabserver.service.acl import Id
from zabserver.service.prepare import Settings
from zabserver.storage.logs import PREALLOCATED
from zabserver.wire.protocol import MAX_BUFFER


@dataclass(slots=True)
class Options:
    """Everything that can be set; all times in milliseconds.

    Attributes:
        data_dir, log_dir: where snapshots and logs are; the log with the snapshots if not given.
        client_host, client_port: where clients connect; port 0 for any that is free.
        secure_host, secure_port: where clients connect with TLS; None for nowhere.
        tls: settings that begin with `ssl.`.
        tick: the unit of sessions' expiry.
        least_timeout, most_timeout: of sessions; 0 for 2 and 20 ticks.
        max_connections: from one address; 0 for no limit.
        snapshot_count: after how many transactions a snapshot is written.
        preallocated: how many bytes a log file grows at once.
        force_sync: whether what is acknowledged is on disk.
        max_buffer: the longest request, in bytes.
        words: the four-letter words that are answered; "*" for all.
        super_digest: whose credentials bypass access control, as `user:hash`.
        others: whatever else zoo.cfg holds.
    """

    data_dir: str = "zabkit-data"
    log_dir: str | None = None
    client_host: str | None = None
    client_port: int | None = 2181
    secure_host: str | None = None
    secure_port: int | None = None
    tls: dict[str, str] = field(default_factory=dict)
    tick: int = 3000
    least_timeout: int = 0
    most_timeout: int = 0
    max_connections: int = 60
    snapshot_count: int = 100_000
    preallocated: int = PREALLOCATED
    force_sync: bool = True
    max_buffer: int = MAX_BUFFER
    words: tuple[str, ...] = ("srvr",)
    super_digest: str = ""
    server_id: int = 0
    extended_types: bool = False
    enforce_quota: bool = False
    skip_acl: bool = False
    digests: bool = True
    container_interval: int = 60_000
    container_unused: int = 0
    others: dict[str, str] = field(default_factory=dict)

    def settings(self) -> Settings:
        """What of it decides about requests."""
        return Settings(self.extended_types, self.enforce_quota, self.skip_acl, self.digests)

    @property
    def super_id(self) -> Id | None:
        """The identity that bypasses access control, as digest authentication shows it."""
        return Id(b"digest", self.super_digest.encode()) if self.super_digest else None


_TEXT = {
    "dataDir": "data_dir",
    "dataLogDir": "log_dir",
    "clientPortAddress": "client_host",
    "secureClientPortAddress": "secure_host",
}
_NUMBERS = {
    "clientPort": "client_port",
    "secureClientPort": "secure_port",
    "tickTime": "tick",
    "minSessionTimeout": "least_timeout",
    "maxSessionTimeout": "most_timeout",
    "maxClientCnxns": "max_connections",
    "snapCount": "snapshot_count",
    "jute.maxbuffer": "max_buffer",
    "znode.container.checkIntervalMs": "container_interval",
    "znode.container.maxNeverUsedIntervalMs": "container_unused",
}
_FLAGS = {
    "extendedTypesEnabled": "extended_types",
    "enforceQuota": "enforce_quota",
    "digest.enabled": "digests",
}
_YES_NO = {"forceSync": "force_sync", "skipACL": "skip_acl"}


def read_options(path: Path) -> Options:
    """The options in a zoo.cfg.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line makes no sense; one line that names it.
    """
    found: dict[str, str] = {}
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#!":
            continue
        name, mark, value = line.partition("=")
        if not mark:
            raise ValueError(f"{path}: line {number}: no name=value: {line!r}")
        found[name.strip()] = value.strip()
    options = options_from(found, str(path))
    if "dataDir" not in found:
        raise ValueError(f"{path}: dataDir is not set")
    if "clientPort" not in found:
        options.client_port = None
        if options.secure_port is None:
            raise ValueError(f"{path}: neither clientPort nor secureClientPort is set")
    my_id = Path(options.data_dir) / "myid"
    if my_id.exists():
        options.server_id = _number("myid", my_id.read_text(encoding="utf-8").strip(), str(my_id))
    return options


def options_from(found: Mapping[str, str], where: str, base: Options | None = None) -> Options:
    """The options that names and values of zoo.cfg stand for.

    Args:
        found: as in zoo.cfg; system properties with or without `zookeeper.` before their names.
        where: what to name in errors.
        base: what they are to change; the defaults if not given.

    Raises:
        ValueError: a value makes no sense.
    """
    options = base or Options()
    for full_name, value in found.items():
        name = full_name.removeprefix("zookeeper.")
        if name in _TEXT:
            setattr(options, _TEXT[name], value)
        elif name in _NUMBERS:
            setattr(options, _NUMBERS[name], _number(name, value, where))
        elif name in _FLAGS:
            setattr(options, _FLAGS[name], value.lower() == "true")
        elif name in _YES_NO:
            setattr(options, _YES_NO[name], value.lower() == "yes")
        elif name.startswith("ssl."):
            options.tls[name] = value
        elif name == "preAllocSize":
            options.preallocated = _number(name, value, where) << 10
        elif name == "4lw.commands.whitelist":
            options.words = tuple(each.strip() for each in value.split(","))
        elif name == "DigestAuthenticationProvider.superDigest":
            options.super_digest = value
        else:
            options.others[full_name] = value
    return options


def _number(name: str, value: str, where: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"{where}: {name} is {value!r}, which is no number") from None
