"""The same requests give the bytes that Apache ZooKeeper 3.8.0 wrote."""

from __future__ import annotations

from struct import pack

import pytest

from zabserver.service.node import OPEN
from zabserver.service.sessions import password_of
from zabserver.service.tree import Tree
from zabserver.service.txns import (
    CloseSessionTxn,
    CreateSessionTxn,
    CreateTxn,
    ErrorTxn,
    Record,
    SetDataTxn,
    Txn,
    decode_record,
)
from zabserver.storage import logs, snapshots
from zabserver.wire.protocol import Op

SESSION = 0x100003276DF0000

ENTRIES: list[tuple[Txn, int, int, int, str]] = [
    (
        CreateSessionTxn(Op.CREATE_SESSION, 10000),
        0,
        1,
        0x1A1FB269A1B,
        "00000000ceff0a7b 00000030 0100003276df0000 00000000 0000000000000001 000001a1fb269a1b fffffff6"
        "00002710 00000002 0000000051c6d660 42",
    ),
    (
        CreateTxn(Op.CREATE, b"/g", b"v", OPEN, False, 1),
        1,
        2,
        0x1A1FB269A6C,
        "00000000df620bc6 00000057 0100003276df0000 00000001 0000000000000002 000001a1fb269a6c 00000001"
        "00000002 2f67 00000001 76 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00 00000001"
        "00000002 00000000817a6521 42",
    ),
    (
        SetDataTxn(Op.SET_DATA, b"/g", b"w2", 1),
        2,
        3,
        0x1A1FB269A7F,
        "00000000d9260770 0000003c 0100003276df0000 00000002 0000000000000003 000001a1fb269a7f 00000005"
        "00000002 2f67 00000002 7732 00000001 00000002 000000006e3864b1 42",
    ),
    (
        ErrorTxn(Op.ERROR, -110),
        3,
        4,
        0x1A1FB269A85,
        "0000000074cb0bfd 00000024 0100003276df0000 00000003 0000000000000004 000001a1fb269a85 ffffffff"
        "ffffff92 42",
    ),
    (
        CloseSessionTxn(Op.CLOSE_SESSION, []),
        4,
        5,
        0x1A1FB269A89,
        "00000000d4410a27 00000030 0100003276df0000 00000004 0000000000000005 000001a1fb269a89 fffffff5"
        "00000000 00000002 000000006e3864b1 42",
    ),
]


@pytest.mark.parametrize("at", range(len(ENTRIES)))
def test_log_entries_are_apaches_to_the_byte(at: int) -> None:
    tree = Tree()
    for txn, cxid, zxid, time, _ in ENTRIES[: at + 1]:
        tree.apply(Record(SESSION, cxid, zxid, time, txn))
    txn, cxid, zxid, time, expected = ENTRIES[at]
    digest = None if isinstance(txn, ErrorTxn) else tree.measured_digest()
    entry = logs.encode_entry(Record(SESSION, cxid, zxid, time, txn, digest).encode())
    assert entry.hex() == expected.replace(" ", "")


@pytest.mark.parametrize("entry", [each[-1] for each in ENTRIES])
def test_log_entries_are_read_back_as_they_were(entry: str) -> None:
    whole = bytes.fromhex(entry)
    found = logs.entry_at(whole + b"\0", 0, 1 << 20)
    assert found is not None
    assert found.end == len(whole)
    assert logs.encode_entry(decode_record(found.payload).encode()) == whole


def test_header_of_a_log() -> None:
    assert logs.START.hex() == "5a4b4c47000000020000000000000000"


def test_snapshot_of_nothing_is_apaches_to_the_byte() -> None:
    written = b"".join(snapshots.encode_snapshot(Tree(), {}))
    root = bytes(4) + bytes(4) + pack(">q", -1) + bytes(60)
    assert len(written) == 457
    assert written.hex().startswith(
        "5a4b534e00000002ffffffffffffffff"
        "00000000"
        "0000000100000000000000010000000100000001"
        "00000005776f726c6400000006616e796f6e65" + root.hex()
    )
    assert written.hex().endswith(
        "000000012f"
        "00000000b8a23b49000000012f"
        "0000000000000000000000020000000000000000"
        "0000000095b93d59000000012f"
    )


def test_password_of_a_session() -> None:
    assert password_of(SESSION).hex() == "d325af0964dea7206954781d4d8f801c"


def test_digest_of_the_tree() -> None:
    tree = Tree()
    assert tree.measured_digest() == 0x51C6D660
