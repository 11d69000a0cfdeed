"""Four-letter words have ZooKeeper's fields, and each answer comes in one write."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from zabserver.net.words.four_letter_words import WORDS
from zabserver.testing import ZooKeeper
from zabspec import tree

if TYPE_CHECKING:
    from conftest import Opened

# Of the 400 numbers of Apache's mntr, these are about the server as such (MonitorCommand, and of the
# metrics those that do not count steps of Apache's threads); test_apache_words compares them with Apache's.
MNTR = set(
    """
    version server_state avg_latency min_latency max_latency packets_received packets_sent
    num_alive_connections outstanding_requests znode_count watch_count ephemerals_count approximate_data_size
    global_sessions local_sessions open_file_descriptor_count max_file_descriptor_count uptime
    last_client_response_size min_client_response_size max_client_response_size connection_drop_probability
    auth_failed_count connection_rejected connection_request_count connection_drop_count
    sessionless_connections_expired bytes_received_count response_bytes
""".split()  # noqa: SIM905 - a list of lines of names
)


@pytest.fixture(scope="module")
def server() -> Iterator[ZooKeeper]:
    with ZooKeeper(tick=2000) as started:
        yield started


def ask(port: int, word: bytes) -> str:
    """Sends a word and returns everything received until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), 10) as wire:
        wire.sendall(word)
        found = b""
        while chunk := wire.recv(1 << 16):
            found += chunk
    return found.decode()


def mntr(port: int) -> dict[str, str]:
    """Returns the counts of `mntr` by name."""
    return dict(line.removeprefix("zk_").split("\t") for line in ask(port, b"mntr").splitlines())


def test_mntr_has_its_names_and_counts(server: ZooKeeper, opened: Opened) -> None:
    before = mntr(server.port)
    assert set(before) == MNTR
    with opened(server) as session:
        session.call(tree.Create("/counted", b"four"))
        session.call(tree.GetData("/counted", watch=True))
        session.call(tree.Create("/counted/it", flag=tree.Flag.EPHEMERAL))
        after = mntr(server.port)
    grown = {
        name: float(after[name]) - float(before[name])
        for name in (
            "znode_count",
            "watch_count",
            "ephemerals_count",
            "global_sessions",
            "approximate_data_size",
        )
    }
    assert grown == {
        "znode_count": 2,
        "watch_count": 1,
        "ephemerals_count": 1,
        "global_sessions": 1,
        "approximate_data_size": len("/counted" + "four" + "/counted/it"),
    }
    assert int(after["packets_received"]) - int(before["packets_received"]) == 4  # with the connect request
    assert int(after["bytes_received_count"]) > int(before["bytes_received_count"])


def test_cons_tells_what_a_client_did_last(server: ZooKeeper, opened: Opened) -> None:
    with opened(server) as session:
        session.call(tree.Exists("/"))
        (line,) = [each for each in ask(server.port, b"cons").splitlines() if "sid=" in each]
    numbers = dict(each.split("=") for each in line[line.index("(") + 1 : line.rindex(")")].split(","))
    names = "queued recved sent sid lop est to lcxid lzxid lresp llat minlat avglat maxlat"
    assert " ".join(numbers) == names
    assert (numbers["lop"], numbers["recved"], numbers["sent"]) == ("EXIS", "2", "2")
    assert numbers["sid"] == f"0x{session.id & 0xFFFFFFFFFFFFFFFF:x}"


def test_watches_are_shown_by_path_and_by_session(server: ZooKeeper, opened: Opened) -> None:
    with opened(server) as session:
        session.call(tree.Exists("/not/there", watch=True))
        sid = f"0x{session.id & 0xFFFFFFFFFFFFFFFF:x}"
        assert ask(server.port, b"wchs") == "1 connections watching 1 paths\nTotal watches:1\n"
        assert ask(server.port, b"wchp") == f"/not/there\n\t{sid}\n\n"
        assert ask(server.port, b"wchc") == f"{sid}\n\t/not/there\n\n"


def test_dump_shows_sessions_ephemerals_and_connections(server: ZooKeeper, opened: Opened) -> None:
    with opened(server) as session:
        session.call(tree.Create("/mine", flag=tree.Flag.EPHEMERAL))
        lines = ask(server.port, b"dump").splitlines()
    sid = f"0x{session.id & 0xFFFFFFFFFFFFFFFF:x}"
    at = lines.index("ephemeral nodes dump:")
    assert lines[0] == "SessionTracker dump:"
    assert f"\t{sid}" in lines[:at]
    assert lines[at + 1 : at + 4] == ["Sessions with Ephemerals (1):", f"{sid}:", "\t/mine"]
    assert lines[at + 4] == "Connections dump:"
    assert any(line.endswith(f"sessionId: {sid}") for line in lines[at + 5 :])


def test_counts_of_connections_and_of_the_server_are_reset_apart(server: ZooKeeper, opened: Opened) -> None:
    with opened(server) as session:
        session.ping()
        total = int(mntr(server.port)["packets_received"])
        assert ask(server.port, b"crst") == "Connection stats reset.\n"
        assert "recved=0,sent=0,sid" in ask(server.port, b"cons")
        assert int(mntr(server.port)["packets_received"]) == total
        session.ping()
        assert ask(server.port, b"srst") == "Server stats reset.\n"
        assert mntr(server.port)["packets_received"] == "0"
        assert "recved=1,sent=1,sid" in ask(server.port, b"cons")


def test_a_word_may_come_in_pieces_and_with_an_argument(server: ZooKeeper) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"ruok":
            wire.sendall(bytes([byte]))
        assert wire.recv(16) == b"imok"
        assert wire.recv(16) == b""
    assert ask(server.port, b"ruok\r\n") == "imok"
    assert ask(server.port, b"gtmk") == "306"
    assert ask(server.port, b"stmk" + (17).to_bytes(8, "big")) == "17"
    assert ask(server.port, b"gtmk") == "17"


def test_every_answer_comes_in_one_write(server: ZooKeeper) -> None:
    """kazoo reads an answer only once."""
    for word in WORDS:
        if word == "stmk":
            continue
        with socket.create_connection(("127.0.0.1", server.port), 10) as wire:
            wire.sendall(word.encode())
            once = wire.recv(1 << 20)
            assert once, word
            assert wire.recv(1 << 20) == b"", word


def test_only_words_on_the_whitelist_are_answered() -> None:
    with ZooKeeper(settings={"4lw.commands.whitelist": "srvr, isro"}) as server:
        assert ask(server.port, b"isro") == "rw"
        assert ask(server.port, b"srvr").startswith("Zookeeper version: ")
        for word in sorted(set(WORDS) - {"srvr", "isro", "stmk"}):
            refused = f"{word} is not executed because it is not in the whitelist.\n"
            assert ask(server.port, word.encode()) == refused
