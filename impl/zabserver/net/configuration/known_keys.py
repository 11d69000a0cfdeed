"""Keys of zoo.cfg beyond those that the server implements: known keys without effect, and keys that are
refused.

A key is refused if the server would do less than its operator relies on, such as letting in clients without
the credentials asked for. Any other key is accepted and logged, whether known or not.

ZooKeeper: QuorumPeerConfig; the administrator's guide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Question = Callable[[str], bool]


def _is_true(value: str) -> bool:
    return value.lower() in ("true", "yes")


def _is_false(value: str) -> bool:
    return value.lower() in ("false", "no")


def _is_set(value: str) -> bool:
    return bool(value)


REFUSED: Mapping[str, tuple[Question, str]] = {
    "quorum.auth.enableSasl": (_is_true, "SASL is not supported"),
    "oraclePath": (_is_set, "quorums with an oracle are not supported"),
    "sessionRequireClientSASLAuth": (_is_true, "SASL is not supported"),
    "requireClientAuthScheme": (_is_set, "clients cannot be required to authenticate"),
    "enforce.auth.enabled": (_is_true, "clients cannot be required to authenticate"),
    "enforce.auth.schemes": (_is_set, "clients cannot be required to authenticate"),
    "portUnification": (_is_true, "either all members use TLS with each other, or none does"),
    "electionAlg": (lambda value: value != "3", "the only election algorithm is 3"),
    "client.portUnification": (_is_true, "TLS needs a port of its own: secureClientPort"),
    "ssl.crl": (_is_true, "revoked certificates are not detected"),
    "ssl.ocsp": (_is_true, "revoked certificates are not detected"),
    "ssl.clientHostnameVerification": (_is_true, "the host names of clients are not verified"),
    "ssl.keyStore.passwordPath": (_is_set, "use ssl.keyStore.password instead"),
    "ssl.trustStore.passwordPath": (_is_set, "PEM files with trusted certificates have no password"),
    "DigestAuthenticationProvider.enabled": (_is_false, "digest authentication cannot be disabled"),
    "DigestAuthenticationProvider.digestAlg": (
        lambda value: value.upper() not in ("SHA1", "SHA-1"),
        "the only digest of passwords is SHA1",
    ),
    "snapshot.compression.method": (_is_set, "compressed snapshots are read but not written"),
}
"""Keys that are refused, each with a predicate on its value and the reason."""

WITHOUT_EFFECT = frozenset(
    {
        # For ensembles.
        "standaloneEnabled",
        "peerType",
        "syncEnabled",
        "observerMasterPort",
        "connectToLearnerMasterLimit",
        "leaderServes",
        # There are no local sessions and no admin server.
        "localSessionsEnabled",
        "localSessionsUpgradingEnabled",
        "serverCnxnFactory",
        "admin.enableServer",
        "admin.serverPort",
        "admin.serverAddress",
        # Tuning of Apache's threads and buffers.
        "jute.maxbuffer.extrasize",
        "commitProcessor.numWorkerThreads",
        "commitProcessor.maxReadBatchSize",
        "commitProcessor.maxCommitBatchSize",
        "flushDelay",
        "maxWriteQueuePollTime",
        "maxBatchSize",
        "requestThrottleLimit",
        "requestThrottleStallTime",
        "watchManagerName",
        "fsync.warningthresholdms",
        "closeSessionTxn.enabled",
        "serializeLastProcessedZxid.enabled",
        "enableEagerACLCheck",
        "metricsProvider.exportJvmInfo",
    }
)
"""Keys that are known but have no effect here; see also `FAMILIES_WITHOUT_EFFECT`."""

FAMILIES_WITHOUT_EFFECT = ("quorum.auth.", "multiAddress.", "authProvider.", "admin.", "nio.")


def refusal(settings: Mapping[str, str]) -> str:
    """Returns why a server with these settings must not start; an empty string if it may.

    Args:
        settings: names and values of zoo.cfg, without the prefix `zookeeper.`.
    """
    for name, (is_refused, why) in REFUSED.items():
        if name in settings and is_refused(settings[name]):
            return f"{name}={settings[name]}: {why}"
    return ""


def is_known(name: str) -> bool:
    """True if ZooKeeper knows the key."""
    return name in WITHOUT_EFFECT or name in REFUSED or name.startswith(FAMILIES_WITHOUT_EFFECT)
