"""A server's settings, read from `zoo.cfg` as ZooKeeper reads it.

ZooKeeper: QuorumPeerConfig, ServerConfig.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zabserver.net.configuration.config_files import read_dynamic, read_next
from zabserver.net.configuration.known_keys import is_known, refusal
from zabserver.net.configuration.properties import parse_properties
from zabserver.service.acl import Id
from zabserver.service.settings import Settings
from zabserver.storage.logs import PREALLOCATED
from zabserver.storage.schedule import COUNT, SIZE
from zabserver.wire.protocol import MAX_BUFFER
from zabserver.zab.election import FIRST_PATIENCE, MOST_PATIENCE
from zabserver.zab.ensemble import Ensemble, parse_ensemble

GREATEST_ID = 255
"""Greatest id of a server: session ids hold it in their first byte."""
BACKLOG = 1024
"""Length of the operating system's accept queue by default."""


@dataclass(slots=True)
class Options:
    """All settings of a server; times are in milliseconds unless another unit is given.

    Attributes:
        data_dir, log_dir: directories of snapshots and of logs; None for logs beside the snapshots.
        client_host, client_port: address for clients; port 0 for any free port, None for none.
        secure_host, secure_port: address for clients with TLS; port None for none.
        tls: settings that begin with `ssl.`.
        tick: the unit of session timeouts, and of `init_limit` and `sync_limit`.
        least_timeout, most_timeout: bounds of session timeouts; 0 for 2 and 20 ticks.
        max_connections: most connections from one address; 0 for no limit.
        max_connections_in_all: most connections in total; 0 for no limit.
        connect_timeout: longest time that a connection stays open without requesting a session.
        backlog: length of the operating system's accept queue.
        outstanding_limit: with more writes in flight, clients that wait for a write are not read from.
        snapshot_count: most transactions between two snapshots; see `Schedule`.
        snapshot_size: most bytes of log between two snapshots; 0 for no limit.
        preallocated: number of bytes by which a log file grows at once.
        force_sync: True to sync the log before a write is acknowledged.
        max_buffer: longest request, in bytes.
        words: the four-letter words that are answered; `*` for all.
        metrics_host, metrics_port: address for metrics over HTTP; port None for none.
        kept_snapshots, purge_interval: number of snapshots that a purge keeps, and its period in hours (0 for
            never).
        super_digest: credentials that bypass access control, as `user:hash`.
        server_id: id of this server, from the file `myid`.
        extended_types: True to allow nodes with a TTL.
        enforce_quota: True to refuse writes that exceed a quota.
        skip_acl: True to ignore access control lists.
        digests: True to log a digest of the tree with each transaction.
        container_interval: period in which empty containers and expired TTL nodes are deleted.
        container_unused: age at which a container that never had a child is deleted; 0 for never.
        init_limit, sync_limit: longest time to synchronise a learner, and longest silence, in ticks.
        history: number of transactions kept in memory for learners that lack only a few.
        size_factor: largest size of logs sent in place of a snapshot, as a fraction of the snapshot; below 0
            for none.
        read_only: True if a member without a leader serves read-only clients.
        has_quorum_tls: True if members use TLS with each other.
        listens_everywhere: True if the election and quorum ports listen on every address.
        first_patience, most_patience: shortest and longest silence in an election before a vote is sent
            again.
        reconfig: True if clients may change the configuration of the ensemble.
        config_file: the zoo.cfg that was read; None if there was none.
        dynamic_file: the file that lists the members; None if zoo.cfg does.
        last_seen: the members as last proposed; None if they are known to be committed.
        ensemble: the members; None for a server that stands alone.
        others: all other settings of zoo.cfg, without the prefix `zookeeper.`.
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
    max_connections_in_all: int = 0
    connect_timeout: int = 10_000
    backlog: int = BACKLOG
    outstanding_limit: int = 1000
    snapshot_count: int = COUNT
    snapshot_size: int = SIZE
    preallocated: int = PREALLOCATED
    force_sync: bool = True
    max_buffer: int = MAX_BUFFER
    words: tuple[str, ...] = ("srvr",)
    metrics_host: str | None = None
    metrics_port: int | None = None
    kept_snapshots: int = 3
    purge_interval: int = 0
    super_digest: str = ""
    server_id: int = 0
    extended_types: bool = False
    enforce_quota: bool = False
    skip_acl: bool = False
    digests: bool = True
    container_interval: int = 60_000
    container_unused: int = 0
    init_limit: int = 10
    sync_limit: int = 5
    history: int = 500
    size_factor: float = 0.33
    read_only: bool = False
    first_patience: int = FIRST_PATIENCE
    most_patience: int = MOST_PATIENCE
    reconfig: bool = False
    config_file: Path | None = None
    dynamic_file: str | None = None
    last_seen: Ensemble | None = None
    ensemble: Ensemble | None = None
    has_quorum_tls: bool = False
    listens_everywhere: bool = False
    others: dict[str, str] = field(default_factory=dict)

    def settings(self) -> Settings:
        """Returns the settings that the core for clients needs."""
        return Settings(
            extended_types=self.extended_types,
            enforce_quota=self.enforce_quota,
            skip_acl=self.skip_acl,
            digests=self.digests,
            reconfig=self.reconfig,
            max_buffer=self.max_buffer,
            super_id=self.super_id,
        )

    @property
    def super_id(self) -> Id | None:
        """Identity that bypasses access control, as digest authentication shows it; None if there is none."""
        return Id(b"digest", self.super_digest.encode()) if self.super_digest else None


_TEXT = {
    "dataDir": "data_dir",
    "dataLogDir": "log_dir",
    "dynamicConfigFile": "dynamic_file",
    "clientPortAddress": "client_host",
    "secureClientPortAddress": "secure_host",
    "metricsProvider.httpHost": "metrics_host",
    "DigestAuthenticationProvider.superDigest": "super_digest",
}
_PORT = (0, 65535)
_LARGE = (1 << 31) - 1
_NUMBERS = {
    "clientPort": ("client_port", _PORT),
    "secureClientPort": ("secure_port", _PORT),
    "metricsProvider.httpPort": ("metrics_port", _PORT),
    "clientPortListenBacklog": ("backlog", (-1, _LARGE)),
    "tickTime": ("tick", (1, _LARGE)),
    "minSessionTimeout": ("least_timeout", (-1, _LARGE)),
    "maxSessionTimeout": ("most_timeout", (-1, _LARGE)),
    "maxClientCnxns": ("max_connections", (0, _LARGE)),
    "maxCnxns": ("max_connections_in_all", (0, _LARGE)),
    "nio.sessionlessCnxnTimeout": ("connect_timeout", (1, _LARGE)),
    "globalOutstandingLimit": ("outstanding_limit", (1, _LARGE)),
    "initLimit": ("init_limit", (1, _LARGE)),
    "syncLimit": ("sync_limit", (1, _LARGE)),
    "commitLogCount": ("history", (0, _LARGE)),
    "fastleader.minNotificationInterval": ("first_patience", (1, _LARGE)),
    "fastleader.maxNotificationInterval": ("most_patience", (1, _LARGE)),
    "snapCount": ("snapshot_count", (2, _LARGE)),
    "jute.maxbuffer": ("max_buffer", (44, _LARGE)),
    "autopurge.snapRetainCount": ("kept_snapshots", (0, _LARGE)),
    "autopurge.purgeInterval": ("purge_interval", (0, _LARGE)),
    "znode.container.checkIntervalMs": ("container_interval", (1, _LARGE)),
    "znode.container.maxNeverUsedIntervalMs": ("container_unused", (0, _LARGE)),
}
"""For each key with a number, the attribute, the least and the greatest value."""
_OF_ENSEMBLES = ("server.", "group.", "weight.")
_FLAGS = {
    "extendedTypesEnabled": "extended_types",
    "enforceQuota": "enforce_quota",
    "digest.enabled": "digests",
    "forceSync": "force_sync",
    "skipACL": "skip_acl",
    "sslQuorum": "has_quorum_tls",
    "quorumListenOnAllIPs": "listens_everywhere",
    "readonlymode.enabled": "read_only",
    "reconfigEnabled": "reconfig",
}
_METRICS = "org.apache.zookeeper.metrics."
_METRICS_PROVIDERS = ("impl.DefaultMetricsProvider", "impl.NullMetricsProvider")
_PROMETHEUS = "prometheus.PrometheusMetricsProvider"
_PROMETHEUS_PORT = 7000


def read_options(path: Path) -> Options:
    """Returns the settings in a zoo.cfg.

    Raises:
        OSError: the file cannot be read.
        ValueError: a setting is invalid; the message names it in one line.
    """
    try:
        found = parse_properties(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    options = options_from(found, str(path))
    options.config_file = path
    if options.dynamic_file is not None:
        _read_members(options, found)
    if "dataDir" not in found:
        raise ValueError(f"{path}: dataDir is not set")
    if "clientPort" not in found and options.ensemble is None:
        options.client_port = None
        if options.secure_port is None:
            raise ValueError(f"{path}: neither clientPort nor secureClientPort is set")
    my_id = Path(options.data_dir) / "myid"
    if my_id.exists():
        options.server_id = _number(
            "myid", my_id.read_text(encoding="utf-8").strip(), str(my_id), (0, GREATEST_ID)
        )
    if options.ensemble is not None:
        _set_own_address(options, str(path), my_id)
    return options


def _read_members(options: Options, found: Mapping[str, str]) -> None:
    """Reads the members from the file that zoo.cfg names, as committed and as last proposed."""
    assert options.config_file is not None
    assert options.dynamic_file is not None
    ensemble = read_dynamic(Path(options.dynamic_file))
    options.ensemble = None if len(ensemble.members) == 1 and not _is_member(found) else ensemble
    if options.reconfig:
        options.last_seen = read_next(options.config_file)


def _set_own_address(options: Options, where: str, my_id: Path) -> None:
    """Checks that this server is a member, and takes its client address from the list of members."""
    assert options.ensemble is not None
    if not my_id.exists():
        raise ValueError(
            f"{where}: the server is a member of an ensemble, but {my_id} with its id is missing"
        )
    own = options.ensemble.members.get(options.server_id)
    if own is None:
        where = options.dynamic_file or where
        raise ValueError(
            f"{my_id}: the id is {options.server_id}, but there is no server.{options.server_id} in {where}"
        )
    if own.client_port is not None:
        options.client_port = own.client_port
        options.client_host = own.client_host or options.client_host


def options_from(found: Mapping[str, str], where: str, base: Options | None = None) -> Options:
    """Returns the options for names and values of zoo.cfg.

    Args:
        found: names and values; system properties may have the prefix `zookeeper.`.
        where: origin of the settings, for error messages.
        base: options to change; the defaults if None.

    Raises:
        ValueError: a value is invalid, or asks for what is not supported; see `known_keys`.
    """
    options = dataclasses.replace(base) if base else Options()
    options.tls, options.others = dict(options.tls), dict(options.others)
    for full_name, value in found.items():
        _set(options, full_name.removeprefix("zookeeper."), value, where)
    names = [name for name in found if name.startswith(_OF_ENSEMBLES)]
    if "dynamicConfigFile" not in found and (names or _is_member(found)):
        options.ensemble = _ensemble(found, where)
    why = refusal(options.others | options.tls)
    if why:
        raise ValueError(f"{where}: {why}")
    least, most = max(options.least_timeout, 0), max(options.most_timeout, 0)  # -1 means the default, too
    options.least_timeout, options.most_timeout = least, most
    if 0 < most < (least or 2 * options.tick):
        raise ValueError(f"{where}: minSessionTimeout is greater than maxSessionTimeout")
    return options


def _is_member(found: Mapping[str, str]) -> bool:
    """True if a server with these settings is a member of an ensemble even if no other member is listed."""
    is_observer = found.get("peerType", "participant").lower() == "observer"
    return is_observer or found.get("standaloneEnabled", "true").lower() == "false"


def _ensemble(found: Mapping[str, str], where: str) -> Ensemble | None:
    """Returns the members that zoo.cfg lists; None for a single member, unless standaloneEnabled is false."""
    try:
        ensemble = parse_ensemble(found)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if len(ensemble.members) == 1 and not _is_member(found):
        return None
    if found.get("peerType", "participant").lower() not in ("participant", "observer"):
        raise ValueError(f"{where}: peerType is {found['peerType']!r}, neither participant nor observer")
    return ensemble


def _set(options: Options, name: str, value: str, where: str) -> None:
    """Sets the option for one key."""
    if name in _TEXT:
        setattr(options, _TEXT[name], value)
    elif name in _NUMBERS:
        attribute, limits = _NUMBERS[name]
        setattr(options, attribute, _number(name, value, where, limits))
    elif name in _FLAGS:
        setattr(options, _FLAGS[name], _flag(name, value, where))
    elif name in _SPECIAL:
        _SPECIAL[name](options, value, where)
    elif name.startswith(_OF_ENSEMBLES):
        pass  # read by `_ensemble`
    elif name.startswith("ssl."):
        options.tls[name] = value
    else:
        options.others[name] = value


def _set_preallocated(options: Options, value: str, where: str) -> None:
    options.preallocated = _number("preAllocSize", value, where, (0, 1 << 30)) << 10


def _set_snapshot_size(options: Options, value: str, where: str) -> None:
    options.snapshot_size = max(_number("snapSizeLimitInKb", value, where, (-1 << 53, 1 << 53)), 0) << 10


def _set_size_factor(options: Options, value: str, where: str) -> None:
    try:
        options.size_factor = float(value)
    except ValueError:
        raise ValueError(f"{where}: snapshotSizeFactor is {value!r}, which is not a number") from None


def _set_words(options: Options, value: str, _: str) -> None:
    options.words = tuple(each.strip() for each in value.split(","))


def _set_metrics_provider(options: Options, value: str, where: str) -> None:
    """Sets the port for metrics; ZooKeeper's default is 7000."""
    if value == _METRICS + _PROMETHEUS:
        options.metrics_port = _PROMETHEUS_PORT if options.metrics_port is None else options.metrics_port
    elif value.removeprefix(_METRICS) not in _METRICS_PROVIDERS:
        raise ValueError(
            f"{where}: metricsProvider.className is {value!r}; only {_METRICS}{_PROMETHEUS} is supported"
        )


_SPECIAL: dict[str, Callable[[Options, str, str], None]] = {
    "preAllocSize": _set_preallocated,
    "snapSizeLimitInKb": _set_snapshot_size,
    "snapshotSizeFactor": _set_size_factor,
    "4lw.commands.whitelist": _set_words,
    "metricsProvider.className": _set_metrics_provider,
}


def unknown_keys(options: Options) -> list[str]:
    """Returns the keys that are unknown to ZooKeeper, which may be misspelt."""
    return sorted(name for name in options.others if not is_known(name))


def keys_without_effect(options: Options) -> list[str]:
    """Returns the known keys that have no effect here."""
    return sorted(name for name in options.others if is_known(name))


def _number(name: str, value: str, where: str, limits: tuple[int, int]) -> int:
    """Returns a decimal or, after 0x, hexadecimal number, like Java's Integer.decode."""
    least, most = limits
    try:
        number = int(value, 16) if value.lower().startswith("0x") else int(value)
    except ValueError:
        raise ValueError(f"{where}: {name} is {value!r}, which is not a number") from None
    if not least <= number <= most:
        raise ValueError(f"{where}: {name} is {number}, which is not between {least} and {most}")
    return number


def _flag(name: str, value: str, where: str) -> bool:
    """Returns a boolean; other words, which ZooKeeper takes as true or false depending on the key, are an
    error.
    """
    if value.lower() not in ("true", "yes", "false", "no"):
        raise ValueError(f"{where}: {name} is {value!r}, which is neither true nor false")
    return value.lower() in ("true", "yes")
