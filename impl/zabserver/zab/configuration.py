"""Changes of who is a member: what a client asks for, and how it goes over the wire.

A reconfiguration is a transaction that sets the data of /zookeeper/config to the text of the next ensemble,
whose version is the transaction's zxid. It needs a quorum of the ensemble before and of the one after, as
does everything proposed after it until it is committed.

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
"""The version that a client names that does not care on top of which ensemble its change comes."""
_KIND_AT = HEADER.size - INT.size
"""Where in the payload of a transaction its type stands: after session, cxid, zxid and time."""
_RECONFIG = INT.pack(Op.RECONFIG)


@dataclass(frozen=True, slots=True)
class Change:
    """What a client asks for.

    Attributes:
        joining: servers that are to be members, as in zoo.cfg, with a comma between two.
        leaving: ids of those that are not to be, likewise.
        members: all servers, in place of both: separated by commas or line ends.
        version: of the ensemble that is to be changed; `ANY` for any.
    """

    joining: str | None
    leaving: str | None
    members: str | None
    version: int = ANY


def decode_change(reader: Reader) -> Change:
    """What a request asks for.

    Raises:
        Malformed: it asks for nothing.
    """
    texts = [reader.data() for _ in range(3)]
    version = reader.int64()
    try:
        joining, leaving, members = (None if each is None else each.decode() for each in texts)
    except UnicodeDecodeError:
        raise Malformed("a reconfiguration that is no text") from None
    return Change(joining, leaving, members, version)


def changed(ensemble: Ensemble, change: Change, version: int) -> Ensemble:
    """The ensemble after a change.

    Args:
        ensemble: the one before.
        change: what is asked for.
        version: of the one after.

    Raises:
        ValueError: it makes no sense; one line says why.
    """
    if change.members is not None:
        lines = change.members.replace(",", "\n").split("\n")
        return replace(parse_ensemble(lines), version=version)
    if ensemble.groups:
        raise ValueError("members join and leave one by one only where a majority is a quorum")
    members = dict(ensemble.members)
    for text in _parts(change.leaving):
        if not text.lstrip("-").isdigit():
            raise ValueError(f"{text!r} leaves, which is no id")
        members.pop(int(text), None)
    for text in _parts(change.joining):
        member = _joining(text)
        twin = next((each for each in members.values() if _clash(member, each)), None)
        if twin is not None:
            raise ValueError(f"{text}: server.{twin.sid} has one of its addresses")
        members.pop(member.sid, None)
        members[member.sid] = member
    return Ensemble(members, version=version)


def proposed_ensemble(payload: bytes) -> Ensemble | None:
    """The ensemble that a transaction makes; None if it is no reconfiguration.

    Raises:
        Malformed: it is one, and cannot be read.
    """
    if payload[_KIND_AT : _KIND_AT + 4] != _RECONFIG:
        return None
    txn = decode_record(payload).txn
    if not isinstance(txn, SetDataTxn):
        raise Malformed("a reconfiguration that sets no data")
    return decode_ensemble(txn.data)


def decode_ensemble(text: bytes | None) -> Ensemble:
    """An ensemble as members tell it each other.

    Raises:
        Malformed: it is none.
    """
    try:
        return ensemble_from_text((text or b"").decode())
    except ValueError as error:
        raise Malformed(f"no configuration: {error}") from None


def is_at_the_same_address(sid: int, one: Ensemble, other: Ensemble) -> bool:
    """Whether a server votes in two ensembles, and learners connect to it at the same place in both."""
    if sid not in one.voters or sid not in other.voters:
        return False
    before, after = one.members[sid], other.members[sid]
    return (before.host, before.quorum_port) == (after.host, after.quorum_port)


def reached_by(ensemble: Ensemble, marks: Mapping[int, int]) -> int:
    """The last zxid that a quorum has acknowledged; 0 if none has.

    Args:
        ensemble: whose quorum.
        marks: the last that each server has acknowledged.
    """
    for mark in sorted(set(marks.values()), reverse=True):
        if ensemble.is_quorum({sid for sid, acknowledged in marks.items() if acknowledged >= mark}):
            return mark
    return 0


def designated(me: int, before: Ensemble, after: Ensemble, marks: Mapping[int, int]) -> int:
    """Who is to lead an ensemble that is committed: its leader, if it votes there too, or who has most.

    Args:
        me: the leader.
        before: the ensemble that it leads.
        after: the one that is committed.
        marks: the last zxid that each server has acknowledged, of those that have acknowledged the change.

    ZooKeeper: Leader.getDesignatedLeader.
    """
    if is_at_the_same_address(me, before, after):
        return me
    voters = [sid for sid in marks if sid in after.voters]
    return min(voters, key=lambda sid: (-marks[sid], sid), default=me)


def _parts(text: str | None) -> Sequence[str]:
    return [each.strip() for each in (text or "").split(",") if each.strip()]


def _joining(text: str) -> Member:
    """A server as in zoo.cfg, with where its clients connect."""
    name, mark, value = text.partition("=")
    _, _, number = name.strip().rpartition(".")
    if not mark or not number.isdigit():
        raise ValueError(f"{text!r} joins, which is no server.N=")
    ((_, member),) = parse_ensemble({f"server.{number}": _as_participant(value)}).members.items()
    if member.client_port is None:
        raise ValueError(f"{text}: the port for clients is missing")
    return replace(member, is_observer=_is_observer(value))


def _is_observer(value: str) -> bool:
    return value.partition(";")[0].strip().lower().endswith(":observer")


def _as_participant(value: str) -> str:
    """The same as one that votes, for nobody is alone without a voter."""
    server, mark, clients = value.partition(";")
    if _is_observer(value):
        server = server.strip()[: -len("observer")] + "participant"
    return server + mark + clients


def _clash(one: Member, other: Member) -> bool:
    """Whether two servers have an address in common (ZooKeeper: QuorumServer.checkAddressDuplicate)."""
    return one.sid != other.sid and bool(_addresses(one) & _addresses(other))


def _addresses(member: Member) -> set[tuple[str, int]]:
    found = {(member.host, member.quorum_port), (member.host, member.election_port)}
    if member.client_port is not None:
        found.add((member.client_host or "", member.client_port))
    return found
