"""zoo.cfg is read as ZooKeeper reads it; unsupported settings are refused in one line, or logged."""

from __future__ import annotations

from pathlib import Path

import pytest

from zabserver.net.configuration.options import (
    Options,
    keys_without_effect,
    options_from,
    read_options,
    unknown_keys,
)
from zabserver.net.configuration.properties import parse_properties
from zabserver.net.lines import event


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a=1", {"a": "1"}),
        ("  a  =  1  ", {"a": "1"}),
        ("a:1\nb 2\nc", {"a": "1", "b": "2", "c": ""}),
        ("# a=1\n! b=2\n\n   # c=3\nd=4", {"d": "4"}),
        ("a=1\na=2", {"a": "2"}),
        ("a=/x\\\n   /y\nb=2", {"a": "/x/y", "b": "2"}),
        ("a=C:\\\\data\r\nb=\\u0041\\tx", {"a": "C:\\data", "b": "A\tx"}),
        ("a\\ b=1\na\\=c=2", {"a b": "1", "a=c": "2"}),
        ("a=b=c", {"a": "b=c"}),
        ("a = # no comment", {"a": "# no comment"}),
    ],
)
def test_lines_are_read_as_java_reads_them(text: str, found: dict[str, str]) -> None:
    assert parse_properties(text) == found


HONOURED = {
    "dataDir": ("/d", "data_dir", "/d"),
    "dataLogDir": ("/l", "log_dir", "/l"),
    "clientPort": ("2182", "client_port", 2182),
    "clientPortAddress": ("127.0.0.2", "client_host", "127.0.0.2"),
    "secureClientPort": ("2183", "secure_port", 2183),
    "secureClientPortAddress": ("127.0.0.3", "secure_host", "127.0.0.3"),
    "clientPortListenBacklog": ("5", "backlog", 5),
    "tickTime": ("2000", "tick", 2000),
    "minSessionTimeout": ("100", "least_timeout", 100),
    "maxSessionTimeout": ("90000", "most_timeout", 90_000),
    "maxClientCnxns": ("0", "max_connections", 0),
    "maxCnxns": ("9", "max_connections_in_all", 9),
    "nio.sessionlessCnxnTimeout": ("50", "connect_timeout", 50),
    "globalOutstandingLimit": ("10", "outstanding_limit", 10),
    "snapCount": ("1000", "snapshot_count", 1000),
    "preAllocSize": ("1024", "preallocated", 1 << 20),
    "snapSizeLimitInKb": ("1024", "snapshot_size", 1 << 20),
    "forceSync": ("no", "force_sync", False),
    "jute.maxbuffer": ("0xfffff0", "max_buffer", 0xFFFFF0),
    "4lw.commands.whitelist": ("ruok, mntr", "words", ("ruok", "mntr")),
    "metricsProvider.className": (
        "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider",
        "metrics_port",
        7000,
    ),
    "metricsProvider.httpPort": ("7001", "metrics_port", 7001),
    "metricsProvider.httpHost": ("127.0.0.1", "metrics_host", "127.0.0.1"),
    "autopurge.snapRetainCount": ("5", "kept_snapshots", 5),
    "autopurge.purgeInterval": ("1", "purge_interval", 1),
    "DigestAuthenticationProvider.superDigest": ("super:x=", "super_digest", "super:x="),
    "extendedTypesEnabled": ("true", "extended_types", True),
    "enforceQuota": ("true", "enforce_quota", True),
    "digest.enabled": ("false", "digests", False),
    "skipACL": ("yes", "skip_acl", True),
    "znode.container.checkIntervalMs": ("1000", "container_interval", 1000),
    "znode.container.maxNeverUsedIntervalMs": ("1000", "container_unused", 1000),
    "fastleader.minNotificationInterval": ("50", "first_patience", 50),
    "fastleader.maxNotificationInterval": ("5000", "most_patience", 5000),
    "ssl.keyStore.location": ("/k.pem", "tls", {"ssl.keyStore.location": "/k.pem"}),
}


@pytest.mark.parametrize("name", HONOURED)
def test_a_key_is_honoured_with_and_without_its_prefix(name: str) -> None:
    value, attribute, meant = HONOURED[name]
    for full_name in (name, f"zookeeper.{name}"):
        options = options_from({full_name: value}, "here")
        assert getattr(options, attribute) == meant != getattr(Options(), attribute)
        assert options.others == {}


@pytest.mark.parametrize(
    "line",
    [
        "server.1=a:1:2\nserver.2=b:1:2",
        "weight.1=2",
        "group.1=1:2:3",
        "standaloneEnabled=false",
        "peerType=observer",
        "sessionRequireClientSASLAuth=true",
        "zookeeper.sessionRequireClientSASLAuth=true",
        "requireClientAuthScheme=sasl",
        "enforce.auth.enabled=true",
        "client.portUnification=true",
        "ssl.crl=true",
        "ssl.ocsp=true",
        "snapshot.compression.method=gz",
        "DigestAuthenticationProvider.digestAlg=SHA-256",
        "metricsProvider.className=com.example.Mine",
        "clientPort=70000",
        "clientPort=x",
        "tickTime=0",
        "maxClientCnxns=-1",
        "forceSync=perhaps",
        "minSessionTimeout=5000\nmaxSessionTimeout=4000",
        "tickTime=2000\nmaxSessionTimeout=3999",
        "autopurge.purgeInterval=-1",
        "x=\\u00zz",
    ],
)
def test_what_cannot_be_honoured_is_refused_in_one_line(tmp_path: Path, line: str) -> None:
    config = tmp_path / "zoo.cfg"
    config.write_text(f"dataDir=/d\nclientPort=2181\n{line}\n")
    with pytest.raises(ValueError, match=r"zoo\.cfg: ") as refused:
        read_options(config)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["clientPort=2181", "dataDir=/d"])
def test_a_configuration_names_its_data_and_its_port(tmp_path: Path, text: str) -> None:
    config = tmp_path / "zoo.cfg"
    config.write_text(text)
    with pytest.raises(ValueError, match="set"):
        read_options(config)


def test_what_has_no_effect_and_what_nobody_knows_are_told_apart() -> None:
    found = {
        "leaderServes": "yes",
        "admin.enableServer": "false",
        "authProvider.1": "org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
        "zookeeper.commitProcessor.numWorkerThreads": "4",
        "tikcTime": "1",
    }
    options = options_from(found, "here")
    assert unknown_keys(options) == ["tikcTime"]
    assert len(keys_without_effect(options)) == len(found) - 1


def test_options_that_others_are_put_on_top_of_stay_as_they_are() -> None:
    base = Options()
    options_from({"tickTime": "1", "ssl.clientAuth": "none", "unknown": "x"}, "here", base)
    assert base == Options()


def test_what_a_client_sends_stays_in_one_value_of_one_line() -> None:
    line = event("closed", reason='authentication by b"x"\nevent=forged', n=3)
    assert line == 'event=closed reason="authentication by b\\"x\\"\\nevent=forged" n=3'
