"""What an ensemble guarantees over a whole run, whatever happens to its servers.

committed_is_final        what a server that serves has applied keeps its place for ever, byte for byte
one_leader_established    an epoch has one established leader, ever
leader_has_committed      an established leader has everything that was committed in earlier epochs
epoch_is_of_history       a server in an epoch has on disk what its leader had when the epoch began
trees_agree               servers that have applied the same transactions have the same tree and sessions
session_is_there          every ephemeral node belongs to a session that is open
written_once              no request of a client becomes two transactions
written_in_order          the writes of a session take effect in the order of its requests
acknowledged_is_written   an acknowledged write is the transaction at the zxid of its reply
acknowledged_in_order     a write that begins after another was acknowledged has a later zxid
seen_in_order             the zxids in the replies to a session never go back
read_is_of_its_zxid       a read returns what the tree contains at the zxid of its reply
sync_is_fresh             the reply to sync, and all later ones, are of no earlier state than had been
                          acknowledged when sync was sent, up to the epoch of the server that replies
expired_in_time           no session ends before its timeout is over
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from zabcheck.servers.encoding import Reconfigure, Sync, data
from zabcheck.simulation.client import Asked, Client
from zabcheck.simulation.judging import Violation
from zabcheck.simulation.mapping import Content, Mapper, content_of, in_hex
from zabcheck.simulation.world import World
from zabserver.service.tree import Tree
from zabserver.service.txns import (
    CloseSessionTxn,
    CreateSessionTxn,
    ErrorTxn,
    MultiTxn,
    Record,
    decode_record,
)
from zabserver.wire.election import ServerState
from zabserver.zab.history import epoch_of
from zabspec import tree
from zabspec.histories import History, Txn, is_prefix
from zabspec.zab.disk import durable

WRITES = (tree.Create, tree.Delete, tree.SetData, tree.Multi, tree.CloseSession, Reconfigure)
Moment = tuple[int, int]
"""A time in milliseconds, and the id of a server."""


@dataclass(slots=True)
class Guarantees:
    """Checks the guarantees while a run goes on.

    Args:
        world: the servers.
        mapper: knows what each server has applied.

    Attributes:
        world, mapper: as above.
        committed: all transactions that any server which served has applied, in order.
        established: by epoch, when its leader was established, and its id.
        acknowledged: the zxids of the acknowledged writes, in the order of the replies.
        activity: by session, when its client was last active, and at which server.
    """

    world: World
    mapper: Mapper
    committed: list[Txn] = field(default_factory=list)
    established: dict[int, Moment] = field(default_factory=dict)
    acknowledged: list[int] = field(default_factory=list)
    activity: dict[int, Moment] = field(default_factory=dict)
    _reference: Tree = field(default_factory=Tree)
    _sessions: dict[int, tuple[int, int]] = field(default_factory=dict)  # timeout, and when it began
    _states: list[Content] = field(default_factory=lambda: [content_of(Tree())])
    _trees: dict[Txn | None, tuple[Content, dict[int, int]]] = field(default_factory=dict)
    _zxids: list[int] = field(default_factory=list)
    _records: dict[int, Record] = field(default_factory=dict)
    _requests: set[tuple[int, int]] = field(default_factory=set)
    _last_cxids: dict[int, int] = field(default_factory=dict)
    _epochs: dict[int, int] = field(default_factory=dict)
    _begun: dict[int, History] = field(default_factory=lambda: {0: ()})
    _looked_at: dict[int, Content] = field(default_factory=dict)
    _synced: dict[int, int] = field(default_factory=dict)

    def on_member(self, sid: int) -> None:
        """Checks a server that may have changed.

        Raises:
            Violation: a guarantee does not hold.
        """
        peer, epoch = self.world.members[sid].peer, self.world.members[sid].disk.current
        if self._epochs.get(sid, 0) != epoch:
            self._on_epoch(sid, epoch)
        if peer is None:
            return
        history = self.mapper.applied(sid)
        if peer.service is not None:
            if peer.state == ServerState.LEADING:
                self._on_leader(sid, peer.current_epoch, history)
            self._on_delivered(sid, history)
        content = self.mapper.content(sid)
        if self._looked_at.get(sid) is content:
            return
        self._looked_at[sid] = content
        self._on_tree(sid, history[-1] if history else None, content, dict(peer.timeouts))
        for session in peer.tree.ephemerals:
            if session not in peer.timeouts:
                what = f"server {sid} has ephemeral nodes of session 0x{session:x}, which is not open"
                raise Violation("session_is_there", what)

    def on_answers(self, sid: int, client: Client) -> None:
        """Checks the new replies of a server to a client.

        Raises:
            Violation: a guarantee does not hold.
        """
        peer = self.world.members[sid].peer
        fresh, client.fresh = client.fresh, []
        for asked in fresh:
            assert asked.zxid is not None
            if asked.zxid < asked.seen:
                what = f"server {sid} replies with 0x{asked.zxid:x} after 0x{asked.seen:x}"
                raise Violation("seen_in_order", what)
            if isinstance(asked.request, WRITES):
                self._on_written(client, asked)
            elif isinstance(asked.request, Sync):
                epoch = 0 if peer is None else peer.current_epoch
                before = self.acknowledged[: asked.acknowledged]
                floor = max((zxid for zxid in before if epoch_of(zxid) <= epoch), default=0)
                self._synced[client.session] = max(floor, self._synced.get(client.session, 0))
            elif isinstance(asked.request, tree.GetData):
                self._on_read(asked, asked.request.path.encode())
            if asked.zxid < self._synced.get(client.session, 0):
                floor = self._synced[client.session]
                what = f"0x{asked.zxid:x}, though 0x{floor:x} was acknowledged before sync"
                raise Violation("sync_is_fresh", what)

    def _on_epoch(self, sid: int, epoch: int) -> None:
        """Checks a server that has a new current epoch; the leader of the epoch is the first one."""
        self._epochs[sid] = epoch
        server = self.mapper.server(sid)
        begun = self._begun.setdefault(epoch, durable(server))
        if not is_prefix(begun, durable(server)):
            raise Violation("epoch_is_of_history", f"server {sid} lacks what epoch {epoch} began with")

    def _on_leader(self, sid: int, epoch: int, history: History) -> None:
        if epoch not in self.established:
            self.established[epoch] = self.world.time, sid
            earlier = [txn for txn in self.committed if txn.zxid.epoch < epoch]
            if list(history[: len(earlier)]) != earlier:
                raise Violation("leader_has_committed", f"server {sid} leads epoch {epoch} without it")
        elif self.established[epoch][1] != sid:
            what = f"epoch {epoch} has the leaders {self.established[epoch][1]} and {sid}"
            raise Violation("one_leader_established", what)

    def _on_delivered(self, sid: int, history: History) -> None:
        size = min(len(history), len(self.committed))
        if list(history[:size]) != self.committed[:size]:
            where = next(at for at in range(size) if history[at] != self.committed[at])
            wrong, right = (in_hex(each[where].zxid) for each in (history, self.committed))
            what = f"server {sid} has {wrong} where {right} is committed"
            raise Violation("committed_is_final", what)
        for txn in history[size:]:
            self._on_committed(txn)

    def _on_tree(self, sid: int, last: Txn | None, content: Content, timeouts: dict[int, int]) -> None:
        known = self._trees.setdefault(last, (content, timeouts))
        after = "nothing" if last is None else in_hex(last.zxid)
        if known[0] != content:
            paths = sorted(path for path in {*known[0], *content} if known[0].get(path) != content.get(path))
            raise Violation("trees_agree", f"server {sid} has another tree at {paths}, after {after}")
        if known[1] != timeouts:
            raise Violation("trees_agree", f"server {sid} has other sessions, after {after}")

    # Transactions.

    def _on_committed(self, txn: Txn) -> None:
        record = decode_record(self.mapper.payload(txn))
        self.committed.append(txn)
        self._zxids.append(record.zxid)
        self._records[record.zxid] = record
        self._reference.apply(record)
        self._states.append(content_of(self._reference))
        self._on_request(record)
        if isinstance(record.txn, CreateSessionTxn):
            self._sessions[record.session] = record.txn.timeout, record.time
        elif isinstance(record.txn, CloseSessionTxn) and record.cxid == 0:
            self._on_expired(record)

    def _on_request(self, record: Record) -> None:
        if record.cxid <= 0:
            return
        request = record.session, record.cxid
        if request in self._requests:
            raise Violation(
                "written_once", f"request {record.cxid} of session 0x{record.session:x} is two transactions"
            )
        self._requests.add(request)
        if is_refused(record) or isinstance(record.txn, CloseSessionTxn):
            return  # the end of a session may overtake its requests
        if record.cxid < self._last_cxids.get(record.session, 0):
            last = self._last_cxids[record.session]
            what = f"session 0x{record.session:x}: request {record.cxid} takes effect after request {last}"
            raise Violation("written_in_order", what)
        self._last_cxids[record.session] = record.cxid

    def _on_expired(self, record: Record) -> None:
        timeout, begun = self._sessions[record.session]
        established, leader = self.established[epoch_of(record.zxid)]
        sign, where = self.activity.get(record.session, (0, leader))
        since = max(begun, established, sign if where == leader and sign < record.time else 0)
        if record.time - since < timeout:
            what = f"session 0x{record.session:x} expired after {record.time - since} ms, of {timeout} ms"
            raise Violation("expired_in_time", what)

    # Replies.

    def _on_written(self, client: Client, asked: Asked) -> None:
        assert asked.zxid is not None
        record = self._records.get(asked.zxid)
        if record is None or record.cxid != asked.xid or client.session not in (record.session, 0):
            what = f"the reply to {asked.request} has 0x{asked.zxid:x}, which is {record}"
            raise Violation("acknowledged_is_written", what)
        is_multi = isinstance(asked.request, tree.Multi)
        if not is_multi and is_refused(record) != bool(asked.error):
            what = f"the reply to {asked.request}, at 0x{asked.zxid:x}, has error {asked.error}"
            raise Violation("acknowledged_is_written", what)
        before = max(self.acknowledged[: asked.acknowledged], default=0)
        if asked.zxid <= before:
            raise Violation(
                "acknowledged_in_order", f"0x{asked.zxid:x} began after 0x{before:x} was acknowledged"
            )
        self.acknowledged.append(asked.zxid)

    def _on_read(self, asked: Asked, path: bytes) -> None:
        assert asked.zxid is not None
        node = self._states[bisect_right(self._zxids, asked.zxid)].get(path)
        shown = b"" if node is None else data(node.data) + node.stat
        if asked.body != shown:
            what = f"a read of {path.decode()} does not show the tree at 0x{asked.zxid:x}"
            raise Violation("read_is_of_its_zxid", what)


def is_refused(record: Record) -> bool:
    """Returns True if a transaction only records that a request was refused."""
    txn = record.txn
    if isinstance(txn, MultiTxn):
        return any(isinstance(part, ErrorTxn) for part in txn.parts)
    return isinstance(txn, ErrorTxn)
