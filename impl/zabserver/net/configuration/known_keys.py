"""What zoo.cfg may hold besides what is honoured: keys that change nothing here, and keys that are refused.

A key is refused where the server would do less than its operator relies on, as where a client is let in
without the credentials asked for. Any other key, known or not, is accepted and logged.

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
    "quorum.auth.enableSasl": (_is_true, "there is no SASL here"),
    "oraclePath": (_is_set, "there is no oracle here"),
    "sessionRequireClientSASLAuth": (_is_true, "there is no SASL here"),
    "requireClientAuthScheme": (_is_set, "no scheme can be required of clients here"),
    "enforce.auth.enabled": (_is_true, "no scheme can be required of clients here"),
    "enforce.auth.schemes": (_is_set, "no scheme can be required of clients here"),
    "portUnification": (_is_true, "members talk with TLS here, or all without"),
    "electionAlg": (lambda value: value != "3", "there is but one election: 3"),
    "client.portUnification": (_is_true, "TLS has a port of its own here: secureClientPort"),
    "ssl.crl": (_is_true, "certificates are not looked up in lists of revoked ones here"),
    "ssl.ocsp": (_is_true, "certificates are not looked up in lists of revoked ones here"),
    "ssl.clientHostnameVerification": (_is_true, "the names of clients' hosts are not verified here"),
    "ssl.keyStore.passwordPath": (_is_set, "give ssl.keyStore.password"),
    "ssl.trustStore.passwordPath": (_is_set, "PEM files of trusted certificates have no password"),
    "DigestAuthenticationProvider.enabled": (_is_false, "digest authentication cannot be turned off here"),
    "DigestAuthenticationProvider.digestAlg": (
        lambda value: value.upper() not in ("SHA1", "SHA-1"),
        "digests of passwords are SHA1 here",
    ),
    "snapshot.compression.method": (_is_set, "snapshots are not compressed here"),
}
"""Keys that are refused: for which values, and why."""

WITHOUT_EFFECT = frozenset(
    {
        # Ensembles only.
        "standaloneEnabled",
        "peerType",
        "syncEnabled",
        "observerMasterPort",
        "connectToLearnerMasterLimit",
        "leaderServes",
        # No such thing here: all sessions are global, no admin server.
        "localSessionsEnabled",
        "localSessionsUpgradingEnabled",
        "serverCnxnFactory",
        "admin.enableServer",
        "admin.serverPort",
        "admin.serverAddress",
        # How Apache's threads and buffers are tuned.
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
"""Keys that are known, and change nothing here; those that begin as in `FAMILIES_WITHOUT_EFFECT` too."""

FAMILIES_WITHOUT_EFFECT = ("quorum.auth.", "multiAddress.", "authProvider.", "admin.", "nio.")


def refusal(settings: Mapping[str, str]) -> str:
    """Why a server must not start with settings of zoo.cfg; empty if it may.

    Args:
        settings: as in zoo.cfg; system properties without `zookeeper.` before their names.
    """
    for name, (is_refused, why) in REFUSED.items():
        if name in settings and is_refused(settings[name]):
            return f"{name}={settings[name]}: {why}"
    return ""


def is_known(name: str) -> bool:
    """Whether a key is one of those that change nothing here."""
    return name in WITHOUT_EFFECT or name in REFUSED or name.startswith(FAMILIES_WITHOUT_EFFECT)
