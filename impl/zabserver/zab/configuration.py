"""Reconfiguration: what a client asks for, and how an ensemble is changed and encoded.

A reconfiguration is a transaction that sets the data of /zookeeper/config to the text of the next ensemble,
whose version is the transaction's zxid. To commit it and everything proposed after it, until it is committed,
takes a quorum of the present ensemble and one of the next.

ZooKeeper: PrepRequestProcessor, QuorumPeerConfig.parseDynamicConfig, ReconfigRequest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from zabserver.service.txns import HEADER, SetDataTxn, decode_record
from zabserver.wire.jute import INT, Malformed, Reader
from zabserver.wire.protocol import Op
from zabserver.zab.ensemble import Ensemble, Member, ensemble_from_text, parse_ensemble

ANY = -1
"""The version in a request that may change any version of the ensemble."""
_KIND_AT = HEADER.size - INT.size
"""The offset of the type in a transaction: after session, cxid, zxid and time."""
_RECONFIG = INT.pack(Op.RECONFIG)


@dataclass(frozen=True, slots=True)
class Change:
    """A reconfiguration that a client asks for.

    Attributes:
        joining: servers to add or replace, as in zoo.cfg, separated by commas.
        leaving: ids of servers to remove, separated by commas.
        members: all servers, instead of the other two; separated by commas or newlines.
        version: the version of the ensemble that may be changed; `ANY` for any.
    """

    joining: str | None
    leaving: str | None
    members: str | None
    version: int = ANY


def decode_change(reader: Reader) -> Change:
    """Returns the reconfiguration that a request asks for.

    Raises:
        Malformed: the request cannot be decoded.
    """
    texts = [reader.data() for _ in range(3)]
    version = reader.int64()
    try:
        joining, leaving, members = (None if each is None else each.decode() for each in texts)
    except UnicodeDecodeError:
        raise Malformed("a reconfiguration that is not UTF-8") from None
    return Change(joining, leaving, members, version)


def changed(ensemble: Ensemble, change: Change, version: int) -> Ensemble:
    """Returns the ensemble after a change.

    Args:
        ensemble: the ensemble to change.
        change: the change.
        version: the version of the new ensemble.

    Raises:
        ValueError: the change is impossible; one line says why.
    """
    if change.members is not None:
        lines = change.members.replace(",", "\n").split("\n")
        return replace(parse_ensemble(lines), version=version)
    if ensemble.groups:
        raise ValueError("servers cannot be added or removed incrementally in an ensemble with groups")
    members = dict(ensemble.members)
    for text in _parts(change.leaving):
        if not text.lstrip("-").isdigit():
            raise ValueError(f"leaving server {text!r} is not a server id")
        members.pop(int(text), None)
    for text in _parts(change.joining):
        member = _joining(text)
        twin = next((each for each in members.values() if _clash(member, each)), None)
        if twin is not None:
            raise ValueError(f"{text}: server.{twin.sid} has one of these addresses")
        members.pop(member.sid, None)
        members[member.sid] = member
    return Ensemble(members, version=version)


def proposed_ensemble(payload: bytes) -> Ensemble | None:
    """Returns the ensemble that a transaction makes; None if it is not a reconfiguration.

    Raises:
        Malformed: it is a reconfiguration that cannot be decoded.
    """
    if payload[_KIND_AT : _KIND_AT + 4] != _RECONFIG:
        return None
    txn = decode_record(payload).txn
    if not isinstance(txn, SetDataTxn):
        raise Malformed("a reconfiguration whose body is not that of setData")
    return decode_ensemble(txn.data)


def decode_ensemble(text: bytes | None) -> Ensemble:
    """Returns an ensemble from the text that members send each other.

    Raises:
        Malformed: the text is not an ensemble.
    """
    try:
        return ensemble_from_text((text or b"").decode())
    except ValueError as error:
        raise Malformed(f"malformed configuration: {error}") from None


def is_at_the_same_address(sid: int, one: Ensemble, other: Ensemble) -> bool:
    """True if a server votes in both ensembles, and learners connect to it at the same address in both."""
    if sid not in one.voters or sid not in other.voters:
        return False
    before, after = one.members[sid], other.members[sid]
    return (before.host, before.quorum_port) == (after.host, after.quorum_port)


def reached_by(ensemble: Ensemble, marks: Mapping[int, int]) -> int:
    """Returns the last zxid that a quorum has acknowledged; 0 if none has.

    Args:
        ensemble: the ensemble whose quorums count.
        marks: the last zxid that each server has acknowledged.
    """
    for mark in sorted(set(marks.values()), reverse=True):
        if ensemble.is_quorum({sid for sid, acknowledged in marks.items() if acknowledged >= mark}):
            return mark
    return 0


def designated(me: int, before: Ensemble, after: Ensemble, marks: Mapping[int, int]) -> int:
    """Returns the leader of a committed ensemble: the present one if it votes there, or the voter with most.

    Args:
        me: the id of the present leader.
        before: the ensemble that it leads.
        after: the ensemble that is committed.
        marks: the last zxid acknowledged by each server that has acknowledged the change.

    ZooKeeper: Leader.getDesignatedLeader.
    """
    if is_at_the_same_address(me, before, after):
        return me
    voters = [sid for sid in marks if sid in after.voters]
    return min(voters, key=lambda sid: (-marks[sid], sid), default=me)


def _parts(text: str | None) -> Sequence[str]:
    return [each.strip() for each in (text or "").split(",") if each.strip()]


def _joining(text: str) -> Member:
    """Returns a joining server from a line as in zoo.cfg, which must have a client port."""
    name, mark, value = text.partition("=")
    _, _, number = name.strip().rpartition(".")
    if not mark or not number.isdigit():
        raise ValueError(f"joining server {text!r} does not begin with server.N=")
    ((_, member),) = parse_ensemble({f"server.{number}": _as_participant(value)}).members.items()
    if member.client_port is None:
        raise ValueError(f"{text}: the client port is missing")
    return replace(member, is_observer=_is_observer(value))


def _is_observer(value: str) -> bool:
    return value.partition(";")[0].strip().lower().endswith(":observer")


def _as_participant(value: str) -> str:
    """Returns the line with a participant for an observer: an ensemble without voter cannot be parsed."""
    server, mark, clients = value.partition(";")
    if _is_observer(value):
        server = server.strip()[: -len("observer")] + "participant"
    return server + mark + clients


def _clash(one: Member, other: Member) -> bool:
    """True if two servers have an address in common (ZooKeeper: QuorumServer.checkAddressDuplicate)."""
    return one.sid != other.sid and bool(_addresses(one) & _addresses(other))


def _addresses(member: Member) -> set[tuple[str, int]]:
    found = {(member.host, member.quorum_port), (member.host, member.election_port)}
    if member.client_port is not None:
        found.add((member.client_host or "", member.client_port))
    return found
