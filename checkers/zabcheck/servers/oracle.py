"""What the spec expects of one server: its replies, and the events that its clients receive.

The oracle combines `zabspec.tree` and `zabspec.watches` for a standalone server that receives one request at
a time. It uses the zxid of a transaction as its time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations

from zabcheck.servers.encoding import Auth, Request, Sync
from zabspec import tree, watches
from zabspec.parts import replace
from zabspec.tree import Caller, Error, Id, Tree
from zabspec.tree.acl import digest_id, is_allowed
from zabspec.tree.replies import Done, Failed, Reply
from zabspec.tree.state import ephemerals_of, node_at, with_node
from zabspec.watches import ClientWatches, Event, Kind, WatcherType

WRITES = (
    tree.Create,
    tree.Delete,
    tree.DeleteContainer,
    tree.SetData,
    tree.SetAcl,
    tree.Multi,
    tree.CloseSession,
)


@dataclass(frozen=True, slots=True)
class Release:
    """The release whose behaviour is expected: its rules of the tree and of watches."""

    rules: tree.Rules
    watches: watches.Release


LATEST = Release(tree.LATEST, watches.LATEST)
RELEASE_3_8 = Release(tree.RELEASE_3_8, watches.RELEASE_3_8)
DEBIAN_3_8 = Release(tree.RELEASE_3_8, replace(watches.RELEASE_3_8, filters_events=True))
"""3.8.0 in Debian, since 3.8.0-11+deb12u2 with the fix of CVE-2024-23944 (ZOOKEEPER-4799)."""


@dataclass(slots=True, eq=False)
class Party:
    """A client, as the oracle sees it.

    Attributes:
        caller: its session and identities.
        registered: the watches that the server has for its connection.
        remembered: the watches that it registers again on a new connection.
        seen: the highest zxid in the header of a reply to it.
        told: the events that it has received, in order.
    """

    caller: Caller
    registered: watches.Watches
    remembered: ClientWatches = watches.NOTHING
    seen: int = 0
    told: list[Event] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Told:
    """The expected result of one operation.

    Attributes:
        reply: the reply.
        tree: the tree afterwards.
        parties: the watches that each client has afterwards.
        events: the events that each client receives, in order.
    """

    reply: Reply
    tree: Tree
    parties: tuple[watches.Watches, ...]
    events: tuple[tuple[Event, ...], ...]


class Oracle:
    """A standalone server and its clients, as the spec has them.

    The functions of the spec are attributes, so that a test can put a mistake into one.

    Args:
        release: the release whose behaviour is expected.
        zxid: the zxid of the last transaction.
        at: the tree at that zxid.

    Attributes:
        release, zxid: as above.
        tree: the current tree.
        parties: the clients whose sessions are open.
    """

    prepare = staticmethod(tree.prepare)
    apply = staticmethod(tree.apply)
    leaves_watch = staticmethod(tree.leaves_watch)
    fired = staticmethod(watches.fired)
    caught_up = staticmethod(watches.caught_up)

    def __init__(self, release: Release, zxid: int, at: Tree) -> None:
        self.release = release
        self.zxid = zxid
        self.tree = at
        self.parties: list[Party] = []

    def join(self, session: int, address: Id) -> Party:
        """Begins a client's session, with one transaction."""
        self.zxid += 1
        party = Party(Caller(session, (address,)), watches.Watches(release=self.release.watches))
        self.parties.append(party)
        return party

    def expected(self, party: Party, request: Request) -> tuple[Told, ...]:
        """Returns the results that a request may have: more than one where the spec allows several.

        ZooKeeper deletes the ephemeral nodes of a session in the order of a hash table.
        """
        if isinstance(request, tree.CloseSession):
            owned = ephemerals_of(self.tree, party.caller.session)
            closings = (tree.CloseSession(order) for order in permutations(owned))
            return tuple(self._written(party, each) for each in closings)
        if isinstance(request, WRITES):
            return (self._written(party, request),)
        return (self._read(party, request),)

    def accept(self, party: Party, request: Request, told: Told, zxid: int) -> None:
        """Continues from one of the `expected` results.

        Args:
            party: the client that has sent the request.
            request: the request.
            told: its result.
            zxid: the zxid in the header of the reply.
        """
        self.zxid += isinstance(request, WRITES)
        self.tree = told.tree
        for each, registered, events in zip(self.parties, told.parties, told.events, strict=True):
            each.registered = registered
            each.told += events
            for event in events:
                each.remembered, _ = watches.called(each.remembered, event)
        party.seen = max(party.seen, zxid)
        self._remember(party, request, told.reply)
        match request:
            case Auth("digest", credentials) if told.reply == Done():
                user, _, password = credentials.decode().partition(":")
                shown = digest_id(user, password)
                if shown not in party.caller.ids:
                    party.caller = replace(party.caller, ids=(*party.caller.ids, shown))
            case tree.CloseSession():
                self.parties.remove(party)

    def reconnected(self, party: Party) -> watches.SetWatches | None:
        """Moves a client to a new connection, and returns the request that registers its watches again."""
        party.registered = watches.Watches(release=self.release.watches)
        party.caller = replace(
            party.caller, ids=tuple(each for each in party.caller.ids if each.scheme == "ip")
        )
        return watches.registered_again(party.remembered, party.seen)

    def _written(self, party: Party, request: tree.Write) -> Told:
        txn = self.prepare(self.tree, request, party.caller, self.release.rules)
        done = self.apply(self.tree, self.zxid + 1, self.zxid + 1, txn)
        parties, events = [], []
        for each in self.parties:
            readable = [is_allowed(guard, tree.Perm.READ, each.caller.ids) for guard in done.guards]
            fired = self.fired(each.registered, done.triggers, self.zxid + 1, readable)
            parties.append(fired.watches)
            events.append(fired.events)
        return Told(done.reply, done.tree, tuple(parties), tuple(events))

    def _read(self, party: Party, request: Request) -> Told:
        registered = party.registered
        events: tuple[Event, ...] = ()
        reply: Reply = Done()
        match request:
            case watches.AddWatch():
                registered = watches.added(registered, request)
            case watches.RemoveWatches():
                registered, answer = watches.removed(registered, request)
                reply = reply if answer == watches.Answer.OK else Failed(Error(answer))
            case watches.CheckWatches():
                answer = watches.checked(self._found_by_check(registered), request)
                reply = reply if answer == watches.Answer.OK else Failed(Error(answer))
            case watches.SetWatches():
                fired = self.caught_up(registered, request, lambda path: node_at(self.tree, path))
                registered, events = fired.watches, fired.events
            case Sync() | Auth():
                pass
            case _:
                assert isinstance(request, tree.Read)
                reply = tree.answer(self.tree, request, party.caller, self.release.rules)
                if self.leaves_watch(request, reply):
                    assert isinstance(request, tree.Exists | tree.GetData | tree.GetChildren)
                    registered = watches.with_watch(registered, kind_of(request, reply), request.path)
        parties = tuple(registered if each is party else each.registered for each in self.parties)
        return Told(
            reply, self.tree, parties, tuple(events if each is party else () for each in self.parties)
        )

    def _found_by_check(self, registered: watches.Watches) -> watches.Watches:
        """Returns the watches that checkWatches searches: before 3.9.0, those of all connections."""
        if registered.release.separate_modes:
            return registered
        entries = {entry for each in self.parties for entry in each.registered.entries}
        return replace(registered, entries=tuple(sorted(entries)))

    def _remember(self, party: Party, request: Request, reply: Reply) -> None:
        """Updates the watches that a client registers again on a new connection."""
        match request:
            case tree.Exists() | tree.GetData() | tree.GetChildren() if tree.leaves_watch(request, reply):
                kind = kind_of(request, reply)
                party.remembered = watches.remembered(party.remembered, kind, request.path)
            case watches.AddWatch(path, recursive):
                kind = Kind.RECURSIVE if recursive else Kind.PERSISTENT
                party.remembered = watches.remembered(party.remembered, kind, path)
            case watches.RemoveWatches(path, number) if reply == Done():
                party.remembered = watches.forgotten(party.remembered, path, WatcherType(number))


def kind_of(request: tree.Exists | tree.GetData | tree.GetChildren, reply: Reply) -> Kind:
    """Returns the kind of watch that a read registers."""
    if isinstance(request, tree.GetChildren):
        return Kind.CHILD
    return Kind.EXIST if isinstance(reply, Failed) else Kind.DATA


def with_subtree(at: Tree, path: str, zxid: int) -> Tree:
    """Returns a tree with one more node, created at a zxid."""
    return with_node(at, path, tree.Node(czxid=zxid, mzxid=zxid, pzxid=zxid, ctime=zxid, mtime=zxid))
