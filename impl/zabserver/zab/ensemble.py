"""The members of an ensemble, which of them vote, and which sets of voters are quorums.

A quorum is more than half of the voters; or, if voters have groups and weights, more than half of the weight
in more than half of the groups that have any. Observers are members that do not vote.

An ensemble is written as in `zoo.cfg`, one line per member; in this form it is sent on the election port and
with NEWLEADER, and stored in the data of /zookeeper/config. Its `version`, unless 0, is the zxid of the
reconfiguration that made it.

ZooKeeper: QuorumVerifier, QuorumMaj, QuorumHierarchical, QuorumPeer.QuorumServer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from zabserver.wire.election import NAMELESS_OBSERVER

MOST_MEMBERS = 1000
"""The most members: more than session ids can tell apart. It bounds what peers may send."""
ANY_HOST = "0.0.0.0"
"""The address of a client port that is given without one."""

_MOST_ID = NAMELESS_OBSERVER - 1
_MOST_WEIGHT = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Member:
    """A server of the ensemble and its addresses (ZooKeeper: QuorumServer).

    Attributes:
        sid: its id.
        host: its name or address, without brackets.
        quorum_port: the port where learners connect while it leads.
        election_port: the port for election notifications.
        is_observer: True if it does not vote.
        client_host, client_port: the address for clients; None if the ensemble does not say, and the server's
            own `clientPort` does.
        secure_host, secure_port: the address for clients with TLS.
    """

    sid: int
    host: str
    quorum_port: int
    election_port: int
    is_observer: bool = False
    client_host: str | None = None
    client_port: int | None = None
    secure_host: str | None = None
    secure_port: int | None = None

    def text(self) -> str:
        """Returns what follows `server.N=` (ZooKeeper: QuorumServer.toString)."""
        kind = "observer" if self.is_observer else "participant"
        parts = [f"{_bracketed(self.host)}:{self.quorum_port}:{self.election_port}:{kind}"]
        if self.client_port is not None:
            parts.append(f"{_bracketed(self.client_host or ANY_HOST)}:{self.client_port}")
        if self.secure_port is not None:
            parts += [""] * (2 - len(parts))
            parts.append(f"{_bracketed(self.secure_host or ANY_HOST)}:{self.secure_port}")
        return ";".join(parts)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The members, and which sets of them are quorums.

    Attributes:
        members: the members by id.
        groups: the ids in each group, by group number; empty if quorums are majorities.
        weights: the weights of servers in groups; 1 for others. A voter of weight 0 follows and never leads.
        version: the zxid of the reconfiguration that made the ensemble; 0 if none did.
        voters: the ids of members that vote.
        observers: the ids of members that do not vote.

    Raises:
        ValueError: there are no voters, a voter is in no group or in two, or a number is impossible.
    """

    members: Mapping[int, Member]
    groups: Mapping[int, frozenset[int]] = field(default_factory=dict)
    weights: Mapping[int, int] = field(default_factory=dict)
    version: int = 0
    voters: frozenset[int] = field(init=False, compare=False)
    observers: frozenset[int] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        observers = frozenset(sid for sid, member in self.members.items() if member.is_observer)
        object.__setattr__(self, "observers", observers)
        object.__setattr__(self, "voters", frozenset(self.members) - observers)
        _check(self)

    def is_quorum(self, sids: Collection[int]) -> bool:
        """True if the voters among `sids` are a quorum (ZooKeeper: QuorumVerifier.containsQuorum)."""
        some = self.voters.intersection(sids)
        if not self.groups:
            return 2 * len(some) > len(self.voters)
        weighing = won = 0
        for group in self.groups.values():
            total = sum(map(self.weight, group))  # with observers that have a weight, as in ZooKeeper
            weighing += total > 0
            won += 2 * sum(map(self.weight, group & some)) > total
        return 2 * won > weighing

    def weight(self, sid: int) -> int:
        """Returns the weight of a server; one of weight 0 is never elected.

        ZooKeeper: QuorumVerifier.getWeight, which is 1 for any server if quorums are majorities.
        """
        return self.weights.get(sid, int(sid in self.voters)) if self.groups else 1

    def has_the_same_members(self, other: Ensemble) -> bool:
        """True if two ensembles differ at most in their versions and clients' addresses.

        ZooKeeper: QuorumMaj.equals, which compares clients' addresses, too. A server with dynamic
        configuration adds its own to the text that it was given, which changes nothing else.
        """
        return self._without_clients().text() == other._without_clients().text()

    def _without_clients(self) -> Ensemble:
        bare = {
            sid: Member(sid, each.host, each.quorum_port, each.election_port, each.is_observer)
            for sid, each in self.members.items()
        }
        return replace(self, members=bare, version=0)

    def text(self) -> str:
        """Returns the lines of `zoo.cfg` for this ensemble, byte for byte as ZooKeeper writes them."""
        lines = [f"server.{sid}={self.members[sid].text()}" for sid in _in_java_order(self.members)]
        if self.groups:
            grouped = {sid: number for number, group in self.groups.items() for sid in group}
            order = _in_java_order(grouped)
            for number in _in_java_order(self.groups):
                sids = ":".join(str(sid) for sid in order if grouped[sid] == number)
                lines.append(f"group.{number}={sids}")
            weights = {**dict.fromkeys(self.voters, 1), **self.weights}
            lines += [f"weight.{sid}={weights[sid]}" for sid in _in_java_order(weights)]
        return "\n".join([*lines, f"version={self.version:x}"])


def parse_ensemble(lines: Mapping[str, str] | Iterable[str]) -> Ensemble:
    """Returns the ensemble in keys of zoo.cfg.

    Args:
        lines: names and values, or lines `name=value`; names other than `server.N`, `group.N`, `weight.N` and
            `version` are ignored.

    Raises:
        ValueError: a line is invalid; one line names it.
    """
    members: dict[int, Member] = {}
    groups: dict[int, frozenset[int]] = {}
    weights: dict[int, int] = {}
    version = 0
    for name, value in _pairs(lines):
        kind, _, number = name.partition(".")
        if kind == "server" and number:
            sid = _number(name, number, _MOST_ID)
            _once(name, sid, members)
            members[sid] = _member(name, sid, value)
        elif kind == "group" and number:
            group = _number(name, number, _MOST_ID)
            _once(name, group, groups)
            groups[group] = _group(name, value)
        elif kind == "weight" and number:
            sid = _number(name, number, _MOST_ID)
            _once(name, sid, weights)
            weights[sid] = _number(name, value, _MOST_WEIGHT)
        elif name == "version":
            version = _version(value)
    return Ensemble(members, groups, weights, version)


def ensemble_from_text(text: str) -> Ensemble:
    """Returns the ensemble in a text that `Ensemble.text` or a peer wrote.

    Raises:
        ValueError: the text is invalid; one line says why.
    """
    return parse_ensemble(text.split("\n"))


def _pairs(lines: Mapping[str, str] | Iterable[str]) -> list[tuple[str, str]]:
    if isinstance(lines, Mapping):
        return [(name.strip(), value.strip()) for name, value in lines.items()]
    pairs = []
    for line in lines:
        if line.strip() and not line.lstrip().startswith("#"):
            name, _, value = line.partition("=")
            pairs.append((name.strip(), value.strip()))
    return pairs


def _check(ensemble: Ensemble) -> None:
    """Raises ValueError if an ensemble is impossible."""
    if len(ensemble.members) > MOST_MEMBERS:
        raise ValueError(f"{len(ensemble.members)} servers; at most {MOST_MEMBERS} are allowed")
    if not ensemble.voters:
        raise ValueError("no voters: no server.N is a participant")
    wrong = [sid for sid, member in sorted(ensemble.members.items()) if member.sid != sid]
    if wrong:
        raise ValueError(f"server.{wrong[0]} has the id {ensemble.members[wrong[0]].sid}")
    grouped: set[int] = set()
    for _, group in sorted(ensemble.groups.items()):
        twice = grouped & group
        if twice:
            raise ValueError(f"server {min(twice)} is in more than one group")
        grouped |= group
    if not ensemble.groups and not ensemble.weights:
        return
    alone = ensemble.voters - grouped
    if alone:
        raise ValueError(f"server {min(alone)} is in no group")
    unknown = (grouped | set(ensemble.weights)) - set(ensemble.members)
    if unknown:
        sid = min(unknown)
        raise ValueError(f"server {sid} has a group or a weight, but there is no server.{sid}")
    if not any(map(ensemble.weight, ensemble.voters)):
        raise ValueError("all voters have weight 0, so none can lead")


def _member(name: str, sid: int, value: str) -> Member:
    """Parses one `host:port:port[:kind][;[host:]port[;[host:]port]]`."""
    server, *clients = value.split(";")
    if "|" in server:
        raise ValueError(f"{name}={value}: several addresses of one server are not supported")
    parts = _split_host(name, value, server)
    if len(parts) not in (3, 4) or len(clients) > 2:
        raise ValueError(f"{name}={value}: not host:port:port[:participant|observer][;[host:]port]")
    kind = parts[3].strip().lower() if len(parts) == 4 else "participant"
    if kind not in ("participant", "observer"):
        raise ValueError(f"{name}={value}: {kind!r} is neither participant nor observer")
    quorum_port, election_port = (_port(name, value, each) for each in parts[1:3])
    if quorum_port == election_port:
        raise ValueError(f"{name}={value}: quorum port and election port must differ")
    addresses = [_client_address(name, value, each) for each in clients] + [(None, None)] * 2
    (client_host, client_port), (secure_host, secure_port) = addresses[:2]
    return Member(
        sid,
        parts[0],
        quorum_port,
        election_port,
        kind == "observer",
        client_host,
        client_port,
        secure_host,
        secure_port,
    )


def _client_address(name: str, value: str, text: str) -> tuple[str | None, int | None]:
    if not text.strip():
        return None, None
    parts = _split_host(name, value, text)
    if len(parts) > 2:
        raise ValueError(f"{name}={value}: {text!r} is not [host:]port")
    return (parts[0] if len(parts) == 2 else ANY_HOST), _port(name, value, parts[-1])


def _split_host(name: str, value: str, text: str) -> list[str]:
    """Returns the host and what follows its colons (ZooKeeper: ConfigUtils.getHostAndPort)."""
    text = text.strip()
    if not text.startswith("["):
        parts = text.split(":")
    else:
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{name}={value}: a bracket is not closed, or not followed by a colon")
        parts = [host, *rest.split(":")[1:]]
    if not parts[0] or any(not part.isprintable() or " " in part for part in parts):
        raise ValueError(f"{name}={value}: no valid host in {text!r}")
    return parts


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _group(name: str, value: str) -> frozenset[int]:
    sids = [_number(name, each, _MOST_ID) for each in value.split(":")]
    if len(set(sids)) < len(sids):
        raise ValueError(f"{name}={value}: a server is listed twice")
    return frozenset(sids)


def _once(name: str, number: int, known: Collection[int]) -> None:
    if number in known:
        raise ValueError(f"{name} is given twice")


def _number(name: str, text: str, most: int) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= most):
        raise ValueError(f"{name}: {text[:40]!r} is not a number from 0 to {most}")
    return int(text)


def _port(name: str, value: str, text: str) -> int:
    try:
        return _number(name, text, 65535)
    except ValueError:
        raise ValueError(f"{name}={value}: {text!r} is not a port") from None


def _version(value: str) -> int:
    digits = value.lower()
    if not digits or len(digits) > 16 or digits.strip("0123456789abcdef") or int(digits, 16) >> 63:
        raise ValueError(f"version={value[:40]}: not a zxid in hexadecimal")
    return int(digits, 16)


def _in_java_order(numbers: Collection[int]) -> list[int]:
    """Returns numbers in the iteration order of a Java HashMap, in which ZooKeeper keeps members.

    The order is that of their buckets. A table has a power of two of buckets, at least 16, and is at most
    three quarters full. Numbers in the same bucket are in order of insertion, which a text does not tell:
    here the smaller comes first.
    """
    size = 16
    while 4 * len(numbers) > 3 * size:
        size *= 2
    return sorted(numbers, key=lambda number: (_java_hash(number) & (size - 1), number))


def _java_hash(number: int) -> int:
    """Returns the hash of a long, as HashMap spreads it."""
    hashed = (number ^ (number >> 32)) & 0xFFFFFFFF
    return hashed ^ (hashed >> 16)
