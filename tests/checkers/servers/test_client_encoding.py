"""The encoding of requests and replies, against bytes written by hand from the protocol's description."""

from __future__ import annotations

import pytest

from zabcheck.servers.encoding import Auth, ProtocolError, Request, Sync, decoded, encoded
from zabspec import tree, watches
from zabspec.tree import Ace, Error, Id, Op, Perm, Stat
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
    Reply,
)

OPEN = "00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65"
STAT = (
    "0000000000000002 0000000000000003 000001a1fb269a6c 000001a1fb269a7f 00000001 00000000 00000000"
    "0000000000000000 00000002 00000000 0000000000000002"
)
FOUND = Stat(2, 3, 0x1A1FB269A6C, 0x1A1FB269A7F, 1, 0, 0, 0, 2, 0, 2)
END = "ffffffff 01 ffffffff"

REQUESTS: list[tuple[Request, int, str]] = [
    (tree.Create("/g", b"v"), 1, f"00000002 2f67 00000001 76 {OPEN} 00000000"),
    (tree.Create("/g", None, op=Op.CREATE2, flag=3), 15, f"00000002 2f67 ffffffff {OPEN} 00000003"),
    (
        tree.Create("/g", b"", (), 5, 7, Op.CREATE_TTL),
        21,
        "00000002 2f67 00000000 00000000 00000005 0000000000000007",
    ),
    (tree.Delete("/g", 3), 2, "00000002 2f67 00000003"),
    (tree.DeleteContainer("/g"), 20, "00000002 2f67"),
    (tree.SetData("/g", b"w2"), 5, "00000002 2f67 00000002 7732 ffffffff"),
    (tree.SetAcl("/g", tree.Node().acl, 1), 7, f"00000002 2f67 {OPEN} 00000001"),
    (
        tree.Multi((tree.Check("/g", 1), tree.Delete("/h"))),
        14,
        f"0000000d 00 ffffffff 00000002 2f67 00000001 00000002 00 ffffffff 00000002 2f68 ffffffff {END}",
    ),
    (tree.CloseSession(), -11, ""),
    (tree.Exists("/g", True), 3, "00000002 2f67 01"),
    (tree.GetData("/g"), 4, "00000002 2f67 00"),
    (tree.GetChildren("/g"), 8, "00000002 2f67 00"),
    (tree.GetChildren("/g", True, True), 12, "00000002 2f67 01"),
    (tree.GetAcl("/g"), 6, "00000002 2f67"),
    (tree.GetEphemerals("/g"), 103, "00000002 2f67"),
    (tree.GetAllChildrenNumber("/g"), 104, "00000002 2f67"),
    (tree.WhoAmI(), 107, ""),
    (tree.MultiRead((tree.GetData("/g"),)), 22, f"00000004 00 ffffffff 00000002 2f67 00 {END}"),
    (Sync("/g"), 9, "00000002 2f67"),
    (Auth("digest", b"u:p"), 100, "00000000 00000006 646967657374 00000003 753a70"),
    (watches.AddWatch("/g", True), 106, "00000002 2f67 00000001"),
    (watches.CheckWatches("/g", 2), 17, "00000002 2f67 00000002"),
    (watches.RemoveWatches("/g", 3), 18, "00000002 2f67 00000003"),
    (
        watches.SetWatches(9, ("/a",), ("/b",), ()),
        101,
        "0000000000000009 00000001 00000002 2f61 00000001 00000002 2f62 00000000",
    ),
    (
        watches.SetWatches(9, recursive=("/a",)),
        105,
        "0000000000000009 00000000 00000000 00000000 00000000 00000001 00000002 2f61",
    ),
]

REPLIES: list[tuple[Request, str, Reply]] = [
    (tree.Create("/g"), "00000002 2f67", Created("/g", None)),
    (tree.Create("/g", op=Op.CREATE2), f"00000002 2f67 {STAT}", Created("/g", FOUND)),
    (tree.Delete("/g"), "", Done()),
    (tree.SetData("/g", b""), STAT, Changed(FOUND)),
    (tree.Exists("/g"), STAT, Changed(FOUND)),
    (tree.GetData("/g"), f"00000002 7732 {STAT}", Data(b"w2", FOUND)),
    (tree.GetData("/g"), f"ffffffff {STAT}", Data(None, FOUND)),
    (tree.GetChildren("/g"), "00000002 00000001 62 00000001 61", Children(("a", "b"), None)),
    (tree.GetChildren("/g", with_stat=True), f"00000000 {STAT}", Children((), FOUND)),
    (tree.GetAcl("/g"), f"{OPEN} {STAT}", AclFound(tree.Node().acl, FOUND)),
    (tree.GetEphemerals("/"), "00000001 00000002 2f67", Paths(("/g",))),
    (tree.GetAllChildrenNumber("/"), "00000007", Number(7)),
    (tree.WhoAmI(), "00000001 00000002 6970 00000001 78", Identities((Id("ip", "x"),))),
    (Sync("/g"), "00000002 2f67", Done()),
    (watches.AddWatch("/g"), "00000000", Done()),
    (
        tree.Multi((tree.Create("/g"), tree.SetData("/g", b""), tree.Delete("/g"))),
        f"00000001 00 00000000 00000002 2f67 00000005 00 00000000 {STAT} 00000002 00 00000000 {END}",
        Parts((Created("/g", None), Changed(FOUND), Done())),
    ),
    (
        tree.Multi((tree.Create("/g"), tree.Delete("/g"))),
        f"ffffffff 00 ffffff92 ffffff92 ffffffff 00 fffffffe fffffffe {END}",
        Parts((Failed(Error.NODE_EXISTS), Failed(Error.RUNTIME_INCONSISTENCY))),
    ),
]


@pytest.mark.parametrize(("request_", "op", "expected"), REQUESTS, ids=lambda each: str(each)[:40])
def test_requests_are_these_bytes(request_: Request, op: int, expected: str) -> None:
    number, body = encoded(request_)
    assert (number, body.hex()) == (op, expected.replace(" ", ""))


@pytest.mark.parametrize(("request_", "body", "reply"), REPLIES, ids=lambda each: str(each)[:40])
def test_bytes_are_these_replies(request_: Request, body: str, reply: Reply) -> None:
    assert decoded(request_, 0, bytes.fromhex(body)) == reply


def test_errors_have_no_body() -> None:
    assert decoded(tree.GetData("/g"), -101, b"") == Failed(Error.NO_NODE)
    with pytest.raises(ProtocolError, match="1 bytes left"):
        decoded(tree.GetData("/g"), -101, b"x")


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        (tree.GetData("/g"), ""),
        (tree.GetData("/g"), "00000009 00"),
        (tree.GetData("/g"), "fffffffe"),
        (tree.Delete("/g"), "00"),
        (Sync("/g"), "00000002 2f68"),
        (tree.Multi((tree.Delete("/g"),)), END),
        (tree.Multi(()), "00000002 00 00000000"),
        (tree.Multi((tree.Delete("/g"),)), f"ffffffff 00 ffffff92 ffffff91 {END}"),
    ],
)
def test_invalid_replies_are_refused(request_: Request, body: str) -> None:
    with pytest.raises(ProtocolError):
        decoded(request_, 0, bytes.fromhex(body))


def test_there_is_no_request_that_creates_a_session() -> None:
    with pytest.raises(ValueError, match="connecting"):
        encoded(tree.CreateSession(1))


def test_a_list_of_several() -> None:
    acl = (Ace(Perm.READ, Id("ip", "x")), Ace(Perm.ADMIN, Id("digest", "u:h")))
    _, body = encoded(tree.SetAcl("/", acl))
    first, second = "00000001 00000002 6970 00000001 78", "00000010 00000006 646967657374 00000003 753a68"
    expected = f"00000001 2f 00000002 {first} {second} ffffffff"
    assert body.hex() == expected.replace(" ", "")
