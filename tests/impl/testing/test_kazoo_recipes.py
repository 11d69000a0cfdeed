"""kazoo's recipes keep their promises with many clients at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from zabserver.testing import ZooKeeper

kazoo = pytest.importorskip("kazoo.client", reason="no kazoo (pip install kazoo)")

CLIENTS = 12
TIMEOUT = 20.0


@pytest.fixture(scope="module")
def clients() -> Iterator[list[Any]]:
    """Several clients of one server."""
    with ZooKeeper(tick=2000) as server, ExitStack() as stack:
        started = []
        for _ in range(CLIENTS):
            client = kazoo.KazooClient(server.hosts, timeout=20)
            client.start(TIMEOUT)
            stack.callback(client.close)
            stack.callback(client.stop)
            started.append(client)
        yield started


def at_once(clients: list[Any], act: Callable[[int, Any], Any]) -> list[Any]:
    """Runs a function for all clients at the same time, and returns their results in order."""
    with ThreadPoolExecutor(len(clients)) as pool:
        running = [pool.submit(act, number, client) for number, client in enumerate(clients)]
        return [each.result(TIMEOUT) for each in running]


def test_a_lock_has_one_holder(clients: list[Any]) -> None:
    inside, crowds = [0], [0]

    def act(number: int, client: Any) -> None:
        for _ in range(3):
            with client.Lock("/lock", str(number)):
                inside[0] += 1
                crowds[0] += inside[0] != 1
                client.set("/lock", str(number).encode())
                inside[0] -= 1

    at_once(clients, act)
    assert crowds == [0]
    assert clients[0].Lock("/lock").contenders() == []


def test_everyone_is_elected_alone(clients: list[Any]) -> None:
    leading, elected = threading.Lock(), []

    def lead(number: int) -> None:
        assert leading.acquire(blocking=False), "two leaders"
        elected.append(number)
        leading.release()

    at_once(clients, lambda number, client: client.Election("/election", str(number)).run(lead, number))
    assert sorted(elected) == list(range(CLIENTS))


def test_a_barrier_holds_all_until_it_is_removed(clients: list[Any]) -> None:
    barrier = clients[0].Barrier("/barrier")
    barrier.create()
    assert not clients[1].Barrier("/barrier").wait(0.05)
    removal = threading.Timer(0.1, barrier.remove)
    removal.start()
    assert at_once(clients, lambda _, client: client.Barrier("/barrier").wait(TIMEOUT)) == [True] * CLIENTS
    removal.join()


def test_a_double_barrier_is_entered_and_left_together(clients: list[Any]) -> None:
    entered, missing = [0], [0]
    counting = threading.Lock()

    def act(_: int, client: Any) -> None:
        barrier = client.DoubleBarrier("/double", CLIENTS)
        with counting:
            entered[0] += 1
        barrier.enter()
        missing[0] += entered[0] != CLIENTS
        barrier.leave()

    at_once(clients, act)
    assert missing == [0]


def test_a_queue_gives_each_entry_once(clients: list[Any]) -> None:
    def put(number: int, client: Any) -> None:
        for each in range(5):
            client.LockingQueue("/queue").put(f"{number}.{each}".encode())

    taken: list[bytes] = []

    def take(_: int, client: Any) -> None:
        queue = client.LockingQueue("/queue")
        while len(taken) < len(entries):
            if (entry := queue.get(0.05)) is not None:
                taken.append(entry)
                queue.consume()

    entries = sorted(f"{number}.{each}".encode() for number in range(CLIENTS) for each in range(5))
    at_once(clients, put)
    at_once(clients, take)
    assert sorted(taken) == entries


def test_a_queue_keeps_its_order(clients: list[Any]) -> None:
    first, last = clients[0].Queue("/plain"), clients[-1].Queue("/plain")
    for each in range(10):
        first.put(str(each).encode())
    assert [last.get() for _ in range(10)] == [str(each).encode() for each in range(10)]
    assert last.get() is None


def test_a_party_is_known_to_all(clients: list[Any]) -> None:
    parties = [client.Party("/party", f"guest {number}") for number, client in enumerate(clients)]
    at_once(clients, lambda number, _: parties[number].join())
    guests = sorted(f"guest {number}" for number in range(CLIENTS))
    assert at_once(clients, lambda number, _: sorted(parties[number])) == [guests] * CLIENTS
    at_once(clients, lambda number, _: parties[number].leave())
    assert list(parties[0]) == []


def test_a_counter_loses_nothing(clients: list[Any]) -> None:
    def act(_: int, client: Any) -> None:
        counter = client.Counter("/counter")
        for _ in range(3):
            counter += 1

    at_once(clients, act)
    assert clients[0].Counter("/counter").value == 3 * CLIENTS
