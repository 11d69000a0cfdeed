"""What a server is told at its start: `zoo.cfg`, read as ZooKeeper reads it.

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
        max_connections_in_all: 0 for no limit.
        connect_timeout: how long a connection may be without a session.
        backlog: how many connections the system holds until they are accepted.
        outstanding_limit: with more writes on their way, clients that wait for one are not read from.
        snapshot_count: after how many transactions a snapshot is written, at most; see `Schedule`.
        snapshot_size: after how many bytes of log, at most; 0 for any number.
        preallocated: how many bytes a log file grows at once.
        force_sync: whether what is acknowledged is on disk.
        max_buffer: the longest request, in bytes.
        words: the four-letter words that are answered; "*" for all.
        metrics_host, metrics_port: where metrics are served over HTTP; None for nowhere.
        kept_snapshots, purge_interval: how many snapshots a purge leaves, and its period in hours (0: never).
        super_digest: whose credentials bypass access control, as `user:hash`.
        init_limit, sync_limit: how long a member may take to get the history, and be silent, in ticks.
        history: how many transactions are kept for learners that lack a few.
        size_factor: how large logs may be beside a snapshot to be sent in its place; below 0 for never.
        read_only: whether a member without a leader serves clients that only want to read.
        has_quorum_tls: whether members talk to each other with TLS.
        listens_everywhere: whether members are listened to at all addresses of the machine.
        first_patience, most_patience: how long a member hears nothing before it tells its vote again.
        reconfig: whether clients may change who is a member.
        config_file: the zoo.cfg that was read.
        dynamic_file: where the members are listed, if not in that.
        last_seen: the members as last proposed, if that may not be committed yet.
        ensemble: who the members are; None for a server that stands alone.
        others: whatever else zoo.cfg holds, without `zookeeper.` before names.
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
    backlog: int = 1024
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
        """What of it decides about requests."""
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
        """The identity that bypasses access control, as digest authentication shows it."""
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
"""With the least and the most that they may be."""
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
    """The options in a zoo.cfg.

    Raises:
        OSError: the file cannot be read.
        ValueError: something in it makes no sense; one line that names it.
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
        options.server_id = _number("myid", my_id.read_text(encoding="utf-8").strip(), str(my_id), (0, 255))
    if options.ensemble is not None:
        _set_own(options, str(path), my_id)
    return options


def _read_members(options: Options, found: Mapping[str, str]) -> None:
    """Who is a member, where that is in a file of its own: as committed, and as last proposed."""
    assert options.config_file is not None
    assert options.dynamic_file is not None
    ensemble = read_dynamic(Path(options.dynamic_file))
    options.ensemble = None if len(ensemble.members) == 1 and not _wants_others(found) else ensemble
    if options.reconfig:
        options.last_seen = read_next(options.config_file)


def _set_own(options: Options, where: str, my_id: Path) -> None:
    """What the list of members says of this one: where its clients connect."""
    assert options.ensemble is not None
    if not my_id.exists():
        raise ValueError(f"{where}: an ensemble, and {my_id} is missing, which says which server this is")
    own = options.ensemble.members.get(options.server_id)
    if own is None:
        where = options.dynamic_file or where
        raise ValueError(
            f"{my_id}: {options.server_id}, and there is no server.{options.server_id} in {where}"
        )
    if own.client_port is not None:
        options.client_port = own.client_port
        options.client_host = own.client_host or options.client_host


def options_from(found: Mapping[str, str], where: str, base: Options | None = None) -> Options:
    """The options that names and values of zoo.cfg stand for.

    Args:
        found: as in zoo.cfg; system properties with or without `zookeeper.` before their names.
        where: what to name in errors.
        base: what they are put on top of; the defaults if not given.

    Raises:
        ValueError: a value makes no sense, or asks for what is not here; see `known_keys`.
    """
    options = dataclasses.replace(base) if base else Options()
    options.tls, options.others = dict(options.tls), dict(options.others)
    for full_name, value in found.items():
        _set(options, full_name.removeprefix("zookeeper."), value, where)
    names = [name for name in found if name.startswith(_OF_ENSEMBLES)]
    if "dynamicConfigFile" not in found and (names or _wants_others(found)):
        options.ensemble = _ensemble(found, where)
    why = refusal(options.others | options.tls)
    if why:
        raise ValueError(f"{where}: {why}")
    least, most = max(options.least_timeout, 0), max(options.most_timeout, 0)  # -1 is for the default, too
    options.least_timeout, options.most_timeout = least, most
    if 0 < most < (least or 2 * options.tick):
        raise ValueError(f"{where}: minSessionTimeout is more than maxSessionTimeout")
    return options


def _wants_others(found: Mapping[str, str]) -> bool:
    """Whether a server with these settings is not to stand alone."""
    is_observer = found.get("peerType", "participant").lower() == "observer"
    return is_observer or found.get("standaloneEnabled", "true").lower() == "false"


def _ensemble(found: Mapping[str, str], where: str) -> Ensemble | None:
    """The members that zoo.cfg lists; None for a list of one, as ZooKeeper has it (`standaloneEnabled`)."""
    try:
        ensemble = parse_ensemble(found)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if len(ensemble.members) == 1 and not _wants_others(found):
        return None
    if found.get("peerType", "participant").lower() not in ("participant", "observer"):
        raise ValueError(f"{where}: peerType is {found['peerType']!r}, neither participant nor observer")
    return ensemble


def _set(options: Options, name: str, value: str, where: str) -> None:
    """Sets what one name and its value stand for."""
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
        pass  # all together: see `_ensemble`
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
        raise ValueError(f"{where}: snapshotSizeFactor is {value!r}, which is no number") from None


def _set_words(options: Options, value: str, _: str) -> None:
    options.words = tuple(each.strip() for each in value.split(","))


def _set_metrics_provider(options: Options, value: str, where: str) -> None:
    """Without `metricsProvider.httpPort`, Prometheus' is 7000."""
    if value == _METRICS + _PROMETHEUS:
        options.metrics_port = _PROMETHEUS_PORT if options.metrics_port is None else options.metrics_port
    elif value.removeprefix(_METRICS) not in _METRICS_PROVIDERS:
        raise ValueError(f"{where}: metricsProvider.className is {value!r}; {_METRICS}{_PROMETHEUS} is here")


_SPECIAL: dict[str, Callable[[Options, str, str], None]] = {
    "preAllocSize": _set_preallocated,
    "snapSizeLimitInKb": _set_snapshot_size,
    "snapshotSizeFactor": _set_size_factor,
    "4lw.commands.whitelist": _set_words,
    "metricsProvider.className": _set_metrics_provider,
}


def unknown_keys(options: Options) -> list[str]:
    """Which names in it nobody knows, which is how a misspelt one shows."""
    return sorted(name for name in options.others if not is_known(name))


def keys_without_effect(options: Options) -> list[str]:
    """Which names in it are known, and change nothing here."""
    return sorted(name for name in options.others if is_known(name))


def _number(name: str, value: str, where: str, limits: tuple[int, int]) -> int:
    """In decimal, or in hexadecimal after 0x, as Java reads it."""
    least, most = limits
    try:
        number = int(value, 16) if value.lower().startswith("0x") else int(value)
    except ValueError:
        raise ValueError(f"{where}: {name} is {value!r}, which is no number") from None
    if not least <= number <= most:
        raise ValueError(f"{where}: {name} is {number}, which is not between {least} and {most}")
    return number


def _flag(name: str, value: str, where: str) -> bool:
    """ZooKeeper takes a word that it does not know for either, depending on the key: here it is an error."""
    if value.lower() not in ("true", "yes", "false", "no"):
        raise ValueError(f"{where}: {name} is {value!r}, which is neither true nor false")
    return value.lower() in ("true", "yes")
