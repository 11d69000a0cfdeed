"""The data tree's operations, against what a real server was observed to do and the order of its checks."""

from __future__ import annotations

import pytest

from zabspec.parts import replace
from zabspec.tree import (
    LATEST,
    Ace,
    Acl,
    Caller,
    Check,
    CloseSession,
    Create,
    Delete,
    DeleteContainer,
    Error,
    Exists,
    Flag,
    GetAcl,
    GetAllChildrenNumber,
    GetChildren,
    GetData,
    GetEphemerals,
    Id,
    Multi,
    MultiRead,
    Op,
    Perm,
    Read,
    Reply,
    Rules,
    SetAcl,
    SetData,
    Tree,
    WhoAmI,
    Write,
    answer,
    apply,
    digest,
    due_for_deletion,
    initial,
    leaves_watch,
    prepare,
)
from zabspec.tree.acl import digest_id
from zabspec.tree.quotas import FOLDER, LIMITS, STATS, Track, decode, encode
from zabspec.tree.replies import (
    AclFound,
    Changed,
    Children,
    Created,
    Data,
    Done,
    Failed,
    Identities,
    Number,
    Parts,
    Paths,
)
from zabspec.tree.requests import RELEASE_3_8
from zabspec.tree.state import OPEN, node_at, stat_of
from zabspec.tree.txns import CreateTxn, DeleteTxn, ErrorTxn, MultiTxn, SetDataTxn
from zabspec.watches.state import EventType, Manager, Trigger

SOMEONE = Caller(session=7, ids=(Id("ip", "127.0.0.1"),))
SEALED: Acl = (Ace(Perm.ADMIN, Id("world", "anyone")),)


def written(
    tree: Tree, *requests: Write, caller: Caller = SOMEONE, rules: Rules = LATEST
) -> tuple[Tree, Reply]:
    """Returns the tree after some requests, with zxids from 1 and a millisecond between them, and the last
    reply.
    """
    reply: Reply = Done()
    for zxid, request in enumerate(requests, 1):
        done = apply(tree, zxid, 1000 + zxid, prepare(tree, request, caller, rules))
        tree, reply = done.tree, done.reply
    return tree, reply


def refused(tree: Tree, request: Write, caller: Caller = SOMEONE, rules: Rules = LATEST) -> Error:
    """Returns why a request is refused, after checking that it changes nothing."""
    txn = prepare(tree, request, caller, rules)
    assert isinstance(txn, ErrorTxn)
    done = apply(tree, 99, 99, txn)
    assert (done.tree, done.reply, done.triggers) == (tree, Failed(txn.error), ())
    return txn.error


def with_tree(*requests: Write) -> Tree:
    """Returns a tree made by some requests."""
    return written(initial(), *requests)[0]


def test_a_parents_cversion_counts_children_that_came_and_went() -> None:
    tree = with_tree(Create("/p"))
    seen = []
    for request in (Create("/p/a"), Create("/p/b"), Delete("/p/a"), SetData("/p/b", b"x")):
        tree, _ = written(tree, request)
        seen.append(stat_of(tree, "/p").cversion)
    assert seen == [1, 2, 3, 3]


def test_the_root_shows_one_child_less_than_none() -> None:
    assert stat_of(initial(), "/").cversion == -1


def test_sequential_names_count_all_children_ever_created() -> None:
    tree = with_tree(Create("/p"), Create("/p/a"), Create("/p/b"))
    names = []
    for prefix in ("/p/s-", "/p/", "/p/t"):
        tree, reply = written(tree, Create(prefix, flag=Flag.SEQUENTIAL))
        assert isinstance(reply, Created)
        names.append(reply.path)
    assert names == ["/p/s-0000000002", "/p/0000000003", "/p/t0000000004"]
    _, reply = written(tree, Delete("/p/a"), Create("/p/u", flag=Flag.SEQUENTIAL))
    assert reply == Created("/p/u0000000005", None)


def test_a_sequence_at_its_end_stays_there() -> None:
    tree = with_tree(Create("/p"))
    parent = node_at(tree, "/p")
    assert parent is not None
    full = apply(tree, 5, 5, CreateTxn(Op.CREATE, "/p/x", b"", OPEN, 0, 2147483647)).tree
    after, reply = written(full, Create("/p/s", flag=Flag.SEQUENTIAL))
    assert reply == Created("/p/s2147483647", None)
    assert stat_of(after, "/p").pzxid == 5
    assert refused(after, Create("/p/s", flag=Flag.SEQUENTIAL)) == Error.NODE_EXISTS


def test_setting_a_list_leaves_what_data_has() -> None:
    tree = with_tree(Create("/p"), SetAcl("/p", OPEN))
    stat = stat_of(tree, "/p")
    assert (stat.version, stat.aversion, stat.mzxid, stat.mtime) == (0, 1, 1, 1001)


LOCKED = with_tree(
    Create("/open"),
    Create("/open/child"),
    Create("/ephemeral", flag=Flag.EPHEMERAL),
    Create("/sealed", acl=SEALED),
    Create("/sealedfull", acl=OPEN),
    Create("/sealedfull/x", acl=SEALED),
)

WRONG: list[tuple[Write, Error]] = [
    (Create("/open", flag=9, acl=()), Error.BAD_ARGUMENTS),
    (Create("nope", acl=()), Error.BAD_ARGUMENTS),
    (Create("/no\0pe", acl=()), Error.BAD_ARGUMENTS),
    (Create("/nope/x", acl=()), Error.INVALID_ACL),
    (Create("/nope/x", acl=(Ace(Perm.READ, Id("nobody", "x")),)), Error.INVALID_ACL),
    (Create("/nope/x", acl=(Ace(Perm.READ, Id("auth", "")),)), Error.INVALID_ACL),
    (Create("/nope/"), Error.NO_NODE),
    (Create("/sealed/x//"), Error.NO_NODE),
    (Create("/sealed/."), Error.NO_AUTH),
    (Create("/open/"), Error.BAD_ARGUMENTS),
    (Create("/open/.."), Error.BAD_ARGUMENTS),
    (Create("/open/child"), Error.NODE_EXISTS),
    (Create("/ephemeral/x"), Error.NO_CHILDREN_FOR_EPHEMERALS),
    (Create("/x", flag=Flag.TTL), Error.BAD_ARGUMENTS),
    (Create("/x", flag=Flag.TTL, op=Op.CREATE_TTL, ttl=0), Error.BAD_ARGUMENTS),
    (Create("/x", flag=Flag.TTL, op=Op.CREATE_TTL, ttl=2**40), Error.BAD_ARGUMENTS),
    (Create("/x", flag=Flag.PERSISTENT, op=Op.CREATE_TTL, ttl=5), Error.BAD_ARGUMENTS),
    (Delete("nope"), Error.BAD_ARGUMENTS),
    (Delete("/"), Error.BAD_ARGUMENTS),
    (Delete("/zookeeper/quota"), Error.BAD_ARGUMENTS),
    (Delete("/nope/x"), Error.NO_NODE),
    (Delete("/sealed/x"), Error.NO_AUTH),
    (Delete("/open/nope"), Error.NO_NODE),
    (Delete("/open", version=5), Error.BAD_VERSION),
    (Delete("/open"), Error.NOT_EMPTY),
    (DeleteContainer("/nope"), Error.NO_NODE),
    (DeleteContainer("/open"), Error.NOT_EMPTY),
    (DeleteContainer("/ephemeral"), Error.BAD_VERSION),
    (SetData("/nope/", b""), Error.BAD_ARGUMENTS),
    (SetData("/nope", b""), Error.NO_NODE),
    (SetData("/sealed", b"", version=5), Error.NO_AUTH),
    (SetData("/open", b"", version=5), Error.BAD_VERSION),
    (SetAcl("/nope/", ()), Error.BAD_ARGUMENTS),
    (SetAcl("/nope", ()), Error.INVALID_ACL),
    (SetAcl("/nope", OPEN), Error.NO_NODE),
    (SetAcl("/open", OPEN, version=5), Error.BAD_VERSION),
    (Check("/nope/"), Error.BAD_ARGUMENTS),
    (Check("/nope"), Error.NO_NODE),
    (Check("/sealed", version=5), Error.NO_AUTH),
    (Check("/open", version=5), Error.BAD_VERSION),
]


@pytest.mark.parametrize(("request_", "error"), WRONG, ids=lambda each: str(each)[:60])
def test_the_first_check_that_fails_decides(request_: Write, error: Error) -> None:
    assert refused(LOCKED, request_) == error


def test_what_is_switched_off_is_refused_before_its_arguments_are_looked_at() -> None:
    asked = Create("nope", flag=Flag.TTL, op=Op.CREATE_TTL, ttl=-5)
    assert refused(LOCKED, asked, rules=Rules(has_ttl=False)) == Error.UNIMPLEMENTED


def test_sessions_that_are_over_or_local_own_nothing() -> None:
    local, over = replace(SOMEONE, is_local=True), replace(SOMEONE, is_expired=True)
    assert refused(LOCKED, Create("nope", flag=Flag.EPHEMERAL), local) == Error.EPHEMERAL_ON_LOCAL_SESSION
    assert refused(LOCKED, Create("nope"), over) == Error.SESSION_EXPIRED
    for request in (Delete("nope"), SetData("nope", b""), SetAcl("nope", ()), Check("nope")):
        assert refused(LOCKED, request, over) == Error.SESSION_EXPIRED


def test_a_multi_is_all_or_nothing() -> None:
    tree = with_tree(Create("/a"))
    parts = (Create("/a/b"), SetData("/a/b", b"x"), Delete("/nope"), Create("/a/c"))
    txn = prepare(tree, Multi(parts), SOMEONE)
    errors = (Error.OK, Error.OK, Error.NO_NODE, Error.RUNTIME_INCONSISTENCY)
    assert txn == MultiTxn(tuple(ErrorTxn(each) for each in errors))
    done = apply(tree, 9, 9, txn)
    assert (done.tree, done.triggers) == (tree, ())
    assert done.reply == Parts(tuple(Failed(each) for each in errors))


def test_parts_of_a_multi_see_those_before_and_share_a_zxid() -> None:
    tree = with_tree(Create("/a"))
    parts = (Create("/a/s", flag=Flag.SEQUENTIAL), Create("/a/s", flag=Flag.SEQUENTIAL), SetData("/a", b"x"))
    done = apply(tree, 9, 9, prepare(tree, Multi(parts), SOMEONE))
    stat = stat_of(done.tree, "/a")
    assert isinstance(done.reply, Parts)
    assert done.reply.parts[:2] == (Created("/a/s0000000000", None), Created("/a/s0000000001", None))
    assert (stat.mzxid, stat.pzxid, stat.children) == (9, 9, 2)


@pytest.mark.parametrize("flag", [Flag.TTL, Flag.TTL_SEQUENTIAL])
@pytest.mark.parametrize("op", [Op.CREATE, Op.CREATE2, Op.CREATE_CONTAINER])
def test_a_part_with_a_flag_for_a_time_to_live_and_none_spoils_the_multi(flag: Flag, op: Op) -> None:
    """As observed of 3.8.0 (tests/apache/test_odd_multis.py), unless an earlier part is refused."""
    tree, odd = with_tree(Create("/a")), Create("/a/t", flag=flag, op=op)
    assert prepare(tree, Multi((Create("/b"), odd)), SOMEONE) == ErrorTxn(Error.MARSHALLING_ERROR)
    errors = (Error.NO_NODE, Error.RUNTIME_INCONSISTENCY)
    assert prepare(tree, Multi((Delete("/nope"), odd)), SOMEONE) == MultiTxn(
        tuple(ErrorTxn(each) for each in errors)
    )


def test_an_empty_multi_does_nothing() -> None:
    assert written(initial(), Multi(())) == (initial(), Parts(()))


def test_triggers_come_in_the_order_of_the_calls() -> None:
    tree = with_tree(Create("/a"), Create("/a/e", flag=Flag.EPHEMERAL))
    created = apply(tree, 9, 9, prepare(tree, Create("/a/b"), SOMEONE))
    assert created.triggers == (
        Trigger(EventType.CREATED, "/a/b", Manager.DATA),
        Trigger(EventType.CHILDREN_CHANGED, "/a", Manager.CHILD),
    )
    gone = (
        Trigger(EventType.DELETED, "/a/e", Manager.DATA),
        Trigger(EventType.DELETED, "/a/e", Manager.CHILD),
        Trigger(EventType.CHILDREN_CHANGED, "/a", Manager.CHILD),
    )
    assert apply(tree, 9, 9, prepare(tree, Delete("/a/e"), SOMEONE)).triggers == gone
    closed = apply(tree, 9, 9, prepare(tree, CloseSession(), SOMEONE))
    assert closed.triggers == gone
    assert node_at(closed.tree, "/a/e") is None
    changed = apply(tree, 9, 9, prepare(tree, SetData("/a", b""), SOMEONE))
    assert changed.triggers == (Trigger(EventType.DATA_CHANGED, "/a", Manager.DATA),)
    assert apply(tree, 9, 9, prepare(tree, SetAcl("/a", OPEN), SOMEONE)).triggers == ()


def test_a_transaction_may_come_twice() -> None:
    tree = with_tree(Create("/a"), Create("/a/b"))
    create = CreateTxn(Op.CREATE, "/a/c", b"", OPEN, 0, 2)
    once = apply(tree, 9, 9, create).tree
    assert apply(once, 9, 9, create).tree == once
    for txn in (DeleteTxn("/a/b"), SetDataTxn("/a/b", b"x", 1)):
        once = apply(tree, 9, 9, txn).tree
        assert apply(once, 9, 9, txn).tree == once


def test_reads() -> None:
    tree = with_tree(Create("/a", b"x"), Create("/a/c"), Create("/a/b"), Create("/e", flag=Flag.EPHEMERAL))
    stat = stat_of(tree, "/a")
    found: list[tuple[Read, Reply]] = [
        (Exists("/a"), Changed(stat)),
        (Exists("/nope"), Failed(Error.NO_NODE)),
        (Exists("/no\0pe"), Failed(Error.BAD_ARGUMENTS)),
        (GetData("/a"), Data(b"x", stat)),
        (GetData("nope/"), Failed(Error.NO_NODE)),
        (GetChildren("/a"), Children(("b", "c"), None)),
        (GetChildren("/a", with_stat=True), Children(("b", "c"), stat)),
        (GetAcl("/a"), AclFound(OPEN, stat)),
        (GetAllChildrenNumber("/a"), Number(2)),
        (GetAllChildrenNumber("/"), Number(7)),
        (GetEphemerals("/"), Paths(("/e",))),
        (GetEphemerals("/x"), Paths(())),
        (WhoAmI(), Identities((Id("ip", "127.0.0.1"),))),
        (MultiRead((GetData("/a"), GetData("/nope"))), Parts((Data(b"x", stat), Failed(Error.NO_NODE)))),
    ]
    for request, reply in found:
        assert answer(tree, request, SOMEONE) == reply


def test_a_caller_without_permission_may_not_read() -> None:
    tree = with_tree(Create("/a", acl=(Ace(Perm.WRITE, Id("world", "anyone")),)))
    for request in (Exists("/a"), GetData("/a"), GetChildren("/a"), GetAcl("/a"), GetAllChildrenNumber("/a")):
        assert answer(tree, request, SOMEONE) == Failed(Error.NO_AUTH)
    assert isinstance(answer(tree, Exists("/a"), SOMEONE, RELEASE_3_8), Changed)
    assert isinstance(answer(tree, GetData("/a"), replace(SOMEONE, ids=(Id("super", ""),))), Data)


def test_passwords_are_shown_to_those_who_may_change_the_list() -> None:
    owner = digest_id("user", "pass")
    assert owner.id == "user:smGaoVKd/cQkjm7b88GyorAUz20="
    acl: Acl = (Ace(Perm.ADMIN | Perm.READ, owner), Ace(Perm.READ, Id("world", "anyone")))
    tree = with_tree(Create("/a", acl=acl))
    mine, others = (answer(tree, GetAcl("/a"), replace(SOMEONE, ids=ids)) for ids in ((owner,), ()))
    assert isinstance(mine, AclFound)
    assert isinstance(others, AclFound)
    assert mine.acl == acl
    assert others.acl[0].id == Id("digest", "user:x")


def test_auth_stands_for_all_that_was_shown() -> None:
    ids = (Id("ip", "127.0.0.1"), digest_id("a", "1"), digest_id("b", "2"))
    request = Create("/a", acl=(Ace(Perm.READ, Id("auth", "")), Ace(Perm.READ, ids[1])))
    tree, _ = written(initial(), request, caller=replace(SOMEONE, ids=ids))
    node = node_at(tree, "/a")
    assert node is not None
    assert node.acl == (Ace(Perm.READ, ids[1]), Ace(Perm.READ, ids[2]), Ace(Perm.READ, ids[1]))


def test_which_reads_leave_a_watch() -> None:
    tree = with_tree(Create("/a"), Create("/b", acl=SEALED))
    for path, kind, leaves in (
        ("/a", Exists, True),
        ("/nope", Exists, True),
        ("/b", Exists, False),
        ("/a", GetData, True),
        ("/nope", GetData, False),
        ("/b", GetData, False),
        ("/a", GetChildren, True),
        ("/nope", GetChildren, False),
    ):
        asked = kind(path, watch=True)
        assert leaves_watch(asked, answer(tree, asked, SOMEONE)) == leaves
        assert not leaves_watch(kind(path), answer(tree, kind(path), SOMEONE))


def test_quotas() -> None:
    limits = Create(FOLDER + "/a" + LIMITS, encode(Track(hard_count=2, hard_size=5)))
    stats = Create(FOLDER + "/a" + STATS, encode(Track(0, 0)))
    rules = Rules(enforces_quotas=True)
    tree = with_tree(Create("/a", b"xx"), Create(FOLDER + "/a"), limits, stats)
    assert used(tree) == Track(1, 2)
    assert refused(tree, SetData("/a", b"xxxxxx"), rules=rules) == Error.QUOTA_EXCEEDED
    tree, _ = written(tree, Create("/a/b", b"yyy"), rules=rules)
    assert used(tree) == Track(2, 5)
    assert refused(tree, Create("/a/c"), rules=rules) == Error.QUOTA_EXCEEDED
    tree, reply = written(tree, Delete("/a/b"), Create("/a/c"), rules=rules)
    assert reply == Created("/a/c", None)
    assert used(tree) == Track(2, 2)
    stat = stat_of(tree, FOLDER + "/a" + STATS)
    assert (stat.version, stat.mzxid) == (0, 4)


def used(tree: Tree) -> Track:
    """Returns the usage that is noted for /a."""
    node = node_at(tree, FOLDER + "/a" + STATS)
    assert node is not None
    return decode(node.data)


def test_what_the_leader_deletes_by_itself() -> None:
    tree = with_tree(
        Create("/used", flag=Flag.CONTAINER, op=Op.CREATE_CONTAINER),
        Create("/used/x"),
        Create("/new", flag=Flag.CONTAINER, op=Op.CREATE_CONTAINER),
        Create("/brief", flag=Flag.TTL, op=Op.CREATE_TTL, ttl=100),
    )
    assert due_for_deletion(tree, 2000) == ("/brief",)
    assert due_for_deletion(tree, 1050) == ()
    tree, _ = written(tree, Delete("/used/x"), DeleteContainer("/brief"))
    assert due_for_deletion(tree, 2000) == ("/used",)
    assert due_for_deletion(tree, 2000, longest_unused=10) == ("/new", "/used")


def test_digest_is_apaches() -> None:
    tree = initial()
    assert digest(tree) == 0x51C6D660
    tree = apply(tree, 2, 0x1A1FB269A6C, prepare(tree, Create("/g", b"v"), SOMEONE)).tree
    assert digest(tree) == 0x817A6521
    tree = apply(tree, 3, 0x1A1FB269A7F, prepare(tree, SetData("/g", b"w2"), SOMEONE)).tree
    assert digest(tree) == 0x6E3864B1


def test_what_is_gone_already_still_moves_its_parents_pzxid() -> None:
    tree = apply(with_tree(Create("/a")), 40, 0, DeleteTxn("/a/b"))
    assert tree.reply == Failed(Error.NO_NODE)
    assert answer(tree.tree, Exists("/a"), SOMEONE) == Changed(stat_of(tree.tree, "/a"))
    assert stat_of(tree.tree, "/a").pzxid == 40
    assert tree.triggers == ()
    assert apply(initial(), 40, 0, DeleteTxn("/x/y")).tree == initial()


def test_a_container_is_one_whatever_its_flag() -> None:
    tree = with_tree(Create("/c", flag=Flag.EPHEMERAL, op=Op.CREATE_CONTAINER))
    node = node_at(tree, "/c")
    assert node is not None
    assert (node.is_container, node.owner) == (True, 0)


def test_parts_of_a_multi_look_at_the_session_one_by_one() -> None:
    over = Caller(session=7, is_expired=True)
    assert prepare(initial(), Multi(()), over) == MultiTxn(())
    errors = (ErrorTxn(Error.SESSION_EXPIRED), ErrorTxn(Error.RUNTIME_INCONSISTENCY))
    assert prepare(initial(), Multi((Create("/a"), Create("/b"))), over) == MultiTxn(errors)


def test_the_root_has_two_names() -> None:
    assert answer(initial(), GetChildren(""), SOMEONE) == Children(("zookeeper",), None)


def test_ephemerals_by_a_blank_prefix_are_all() -> None:
    tree = with_tree(Create("/e", flag=Flag.EPHEMERAL))
    assert answer(tree, GetEphemerals("  "), SOMEONE) == Paths(("/e",))
    assert answer(tree, GetEphemerals("/x"), SOMEONE) == Paths(())


def test_a_network_has_a_number_of_bits() -> None:
    for network, is_right in (("10.0.0.0/8", True), ("10.0.0.0/255.0.0.0", False), ("10.0.0.0/33", False)):
        acl = (Ace(Perm.READ, Id("ip", network)),)
        txn = prepare(initial(), Create("/a", acl=acl), SOMEONE)
        assert isinstance(txn, CreateTxn) == is_right


def test_a_quota_that_says_nothing_limits_nothing() -> None:
    assert decode(b"count=many,\xff") == Track()


def test_a_node_beside_zookeepers_own_has_its_quota() -> None:
    place = f"{FOLDER}/zookeeper-x"
    folder = (Create("/zookeeper-x"), Create(place))
    tree = with_tree(*folder, Create(place + LIMITS, b"count=1,bytes=-1"), Create(place + STATS))
    assert used_at(tree, place) == Track(1, 0)
    assert used_at(written(tree, Create("/zookeeper-x/y", b"abc"))[0], place) == Track(2, 3)


def test_a_subtree_above_its_hard_limit_may_not_even_shrink() -> None:
    place = f"{FOLDER}/q"
    tree = with_tree(Create("/q", b"12345678"), Create(place), Create(place + STATS))
    tree, _ = written(tree, Create(place + LIMITS, b"count=-1,bytes=-1=;byteHardLimit=4"))
    tree, _ = written(tree, SetData(place + STATS, b"count=1,bytes=8"))
    rules = replace(LATEST, enforces_quotas=True)
    assert refused(tree, SetData("/q", b"1234567"), rules=rules) == Error.QUOTA_EXCEEDED
    assert written(tree, SetData("/q", b"abcdefgh"), rules=rules)[1] != Failed(Error.QUOTA_EXCEEDED)


def test_a_user_without_a_password_is_nobody() -> None:
    for name, is_right in (("user:", False), (":hash", True), ("user:hash", True), ("a:b:c", False)):
        acl = (Ace(Perm.READ, Id("digest", name)),)
        assert isinstance(prepare(initial(), Create("/a", acl=acl), SOMEONE), CreateTxn) == is_right


def used_at(tree: Tree, place: str) -> Track:
    node = node_at(tree, place + STATS)
    assert node is not None
    return decode(node.data)
