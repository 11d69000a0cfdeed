"""Members are killed, paused, cut off, out of disk or restored from a copy, under load: nothing acknowledged
is lost.

Each round injects one fault into an ensemble of processes while clients write, watch and keep sessions. When
the fault is over, every member must have the same tree, which must agree with what the clients were told.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path

import pytest

from zabcheck.servers.clients import Watcher, Worker, Writer, differences, everything, prepare
from zabcheck.servers.members import Kind, Members, ask_word
from zabcheck.servers.proxy import Proxy
from zabcheck.servers.session import Disconnected
from zabcheck.servers.session_holders import SessionHolder, ephemerals, kept_differences, prepare_kept

TICK, TIMEOUT = 100, 2000
"""In milliseconds; members abandon each other after ten ticks of silence."""
AT_HAND = 550
"""More writes than a leader keeps in memory for its learners (`commitLogCount`)."""
WRITTEN = 40
"""Number of writes to be acknowledged before the next step."""


class Arena:
    """An ensemble behind a network, its clients, and what these were told in all rounds."""

    def __init__(self, members: Members, proxy: Proxy, seed: int) -> None:
        self.members = members
        self.proxy = proxy
        self.chance = random.Random(seed)
        self.seed = seed
        self.writers: list[Writer] = []
        self.holders: list[SessionHolder] = []
        self.ports = list(members.client_ports.values())

    @property
    def sids(self) -> list[int]:
        return sorted(self.members.kinds)

    def leader(self) -> int:
        self.members.wait_until_serving()
        leader = self.members.leader
        assert leader is not None
        return leader

    def follower(self) -> int:
        leader = self.leader()
        return self.chance.choice([sid for sid in self.sids if sid != leader])

    def anyone(self) -> int:
        return self.chance.choice(self.sids)

    def others(self, *but: int) -> list[int]:
        return [sid for sid in self.sids if sid not in but]

    def go_on(self, count: int = WRITTEN) -> None:
        """Waits until more writes are acknowledged."""
        mark = self.acknowledged() + count
        self.members.wait_until(
            lambda: self.acknowledged() >= mark or any(each.failure for each in self.writers)
        )

    def acknowledged(self) -> int:
        return sum(len(writer.told.acknowledged) for writer in self.writers)

    def wait_until_abandoned(self, sid: int) -> None:
        """Returns when another member leads, and does not count this one as synchronised."""
        others = len(self.sids) - 2

        def is_abandoned() -> bool:
            leader = self.members.leader
            return leader not in (None, sid) and synced(self.members.client_ports[leader]) <= others

        self.members.wait_until(is_abandoned)

    def settle(self) -> None:
        """Ends all faults, and waits until all members serve clients."""
        self.proxy.heal()
        for sid in self.sids:
            if sid not in self.members.processes:
                self.members.start(sid)
        self.members.wait_until_serving()

    @contextmanager
    def load(self) -> Iterator[None]:
        number = len(self.writers)
        seed = self.chance.randrange(1 << 30)
        writers = [
            Writer(f"w{number + each}", self.ports, seed=seed + each, timeout=TIMEOUT) for each in range(2)
        ]
        holders = [SessionHolder(f"k{number}", self.ports, seed=seed + 3, timeout=TIMEOUT)]
        watcher = Watcher(f"watcher{number}", self.ports, seed=seed + 4, timeout=TIMEOUT)
        self.writers += writers
        self.holders += holders
        workers: list[Worker] = [*writers, *holders, watcher]
        for each in workers:
            each.start()
        try:
            self.go_on(10)
            yield
            self.settle()
            self.go_on(10)
        finally:
            for each in workers:
                each.is_over.set()
            for each in workers:
                each.stop()
        assert watcher.wrong == []

    def check(self) -> None:
        """Checks that every member has what the clients were told.

        Differences may go away: a session may expire while nodes are read. And a member that was cut off may
        close its connections only when it notices.
        """
        found: list[str] = []

        def is_alike() -> bool:
            found.clear()
            try:
                found.extend(
                    differences(self.ports, self.writers, lambda nodes: kept_differences(nodes, self.holders))
                )
            except Disconnected as error:
                found.append(str(error))
            return not found

        try:
            self.members.wait_until(is_alike)
        except TimeoutError:
            pytest.fail("\n".join((f"{len(found)} differences:", *found[:20])))

    def check_end(self) -> None:
        """Checks that sessions whose clients are gone expire, and that their nodes are deleted."""
        self.members.wait_until(lambda: not ephemerals(everything(self.ports[0])))


def synced(port: int) -> int:
    """Returns how many learners a leader counts as synchronised."""
    counts = dict(line.split("\t", 1) for line in ask_word(port, "mntr").splitlines() if "\t" in line)
    return sum(int(counts.get(f"zk_synced_{kind}", "0")) for kind in ("followers", "observers"))


@contextmanager
def arena(folder: Path, count: int, seed: int, observers: Sequence[int] = ()) -> Iterator[Arena]:
    kinds = dict.fromkeys(range(1, count + 1), Kind.OURS)
    settings = {"snapCount": "150", "snapshotSizeFactor": "-1" if seed % 2 else "100"}
    members = Members(folder, kinds, observers, tick=TICK, settings=settings)
    with Proxy(members.addresses) as proxy:
        members.seen = proxy.ports
        with members:
            it = Arena(members, proxy, seed)
            port = members.client_ports[it.leader()]
            prepare(port)
            prepare_kept(port)
            yield it


# What may happen.

Fault = Callable[[Arena], None]


def kill_one(it: Arena) -> None:
    it.members.kill(it.anyone())
    it.go_on()


def kill_the_leader(it: Arena) -> None:
    it.members.kill(it.leader())
    it.go_on()


def kill_two(it: Arena) -> None:
    leader = it.leader()
    for sid in (leader, it.chance.choice(it.others(leader))):
        it.members.kill(sid)
    time.sleep(it.chance.random())


def kill_all(it: Arena) -> None:
    for sid in it.chance.sample(it.sids, len(it.sids)):
        it.members.kill(sid)


def kill_leader_after_leader(it: Arena) -> None:
    """Kills each leader as soon as it serves clients, or a little later."""
    for _ in range(3):
        leader = it.leader()
        it.members.kill(leader)
        time.sleep(it.chance.random() / 4)
        it.members.start(leader)


def kill_while_others_synchronize(it: Arena) -> None:
    """Starts and kills a member at random moments of a synchronisation or an election."""
    sid = it.follower()
    for _ in range(3):
        it.members.kill(sid)
        it.go_on(5)
        it.members.start(sid)
        time.sleep(0.1 + it.chance.random() / 2)


def leave_one_far_behind(it: Arena) -> None:
    """A member lacks more than its leader has in memory, and is killed while it gets a snapshot or log
    files.
    """
    sid = it.follower()
    it.members.kill(sid)
    it.go_on(AT_HAND)
    for _ in range(2):
        it.members.start(sid)
        time.sleep(0.15 + it.chance.random() / 4)
        it.members.kill(sid)


def pause_one(it: Arena) -> None:
    sid = it.anyone()
    with paused(it, sid):
        it.wait_until_abandoned(sid)
        it.go_on()


def pause_one_for_a_moment(it: Arena) -> None:
    with paused(it, it.anyone()):
        time.sleep(it.chance.random() / 2)


def pause_the_leader(it: Arena) -> None:
    """Writes sent to a paused leader must not be acknowledged unless they are kept: see `differences`."""
    leader = it.leader()
    number = len(it.writers)
    writers = [
        Writer(f"w{number + each}", [it.members.client_ports[leader]], seed=each, timeout=4 * TIMEOUT)
        for each in range(2)
    ]
    it.writers += writers
    for each in writers:
        each.start()
    with paused(it, leader):
        it.wait_until_abandoned(leader)
        it.go_on()
    it.settle()
    for each in writers:
        each.stop()


@contextmanager
def paused(it: Arena, sid: int) -> Iterator[None]:
    it.members.pause(sid)
    try:
        yield
    finally:
        it.members.resume(sid)


def cut_one_off(it: Arena) -> None:
    sid = it.anyone()
    it.proxy.cut((one, other) for one, other in it.proxy.ports if sid in (one, other))
    it.go_on()


def cut_the_leader_from_one(it: Arena) -> None:
    leader, other = it.leader(), it.follower()
    it.proxy.cut([(leader, other), (other, leader)])
    it.go_on()


def swallow_what_the_leader_sends(it: Arena) -> None:
    leader = it.leader()
    it.proxy.swallow((leader, other) for other in it.others(leader))
    it.wait_until_abandoned(leader)
    it.go_on()


def swallow_what_the_leader_is_sent(it: Arena) -> None:
    leader = it.leader()
    it.proxy.swallow((other, leader) for other in it.others(leader))
    it.wait_until_abandoned(leader)
    it.go_on()


def swallow_all_of_one(it: Arena) -> None:
    sid = it.anyone()
    it.proxy.swallow((one, other) for one, other in it.proxy.ports if sid in (one, other))
    it.wait_until_abandoned(sid)
    it.go_on()


def delay_everything(it: Arena) -> None:
    it.proxy.delay(it.proxy.ports, it.chance.random() / 20)
    it.go_on(10)


def delay_some_ways(it: Arena) -> None:
    ways = it.chance.sample(list(permutations(it.sids, 2)), 3)
    it.proxy.delay(ways, it.chance.random() / 5)
    it.go_on(10)


def half_close_some_ways(it: Arena) -> None:
    for _ in range(3):
        it.proxy.half_close(it.chance.sample(list(permutations(it.sids, 2)), 2))
        time.sleep(it.chance.random() / 2)
    it.go_on()


def fill_a_followers_disk(it: Arena) -> None:
    full(it, it.follower())


def fill_the_leaders_disk(it: Arena) -> None:
    full(it, it.leader())


def full(it: Arena, sid: int) -> None:
    """A member whose disk is full ends, and the others go on."""
    it.members.fill_disk(sid)
    assert it.members.processes[sid].wait(60) == 1
    it.go_on()
    it.members.kill(sid)


def fill_a_disk_before_an_election(it: Arena) -> None:
    """A member that cannot write its promise makes none, and ends."""
    leader, sid = it.leader(), it.follower()
    it.members.fill_disk(sid, 0)
    it.members.kill(leader)
    assert it.members.processes[sid].wait(60) == 1
    it.members.kill(sid)


def set_one_back(it: Arena) -> None:
    """A member's data directory is replaced by an older copy."""
    sid = it.follower()
    folder = it.members.data(sid)
    copy = folder.with_name(f"{sid}.copy")
    it.members.kill(sid)
    shutil.copytree(folder, copy)
    it.members.start(sid)
    it.members.wait_until_serving()
    it.go_on()
    it.members.kill(sid)
    shutil.rmtree(folder)
    copy.rename(folder)
    it.members.start(sid)
    it.members.wait_until_serving()
    it.go_on()


FAULTS: tuple[Fault, ...] = (
    kill_one,
    kill_the_leader,
    kill_two,
    kill_all,
    kill_leader_after_leader,
    kill_while_others_synchronize,
    leave_one_far_behind,
    pause_one,
    pause_one_for_a_moment,
    pause_the_leader,
    cut_one_off,
    cut_the_leader_from_one,
    swallow_what_the_leader_sends,
    swallow_what_the_leader_is_sent,
    swallow_all_of_one,
    delay_everything,
    delay_some_ways,
    half_close_some_ways,
    fill_a_followers_disk,
    fill_the_leaders_disk,
    fill_a_disk_before_an_election,
    set_one_back,
)
FEW: tuple[Fault, ...] = (
    kill_the_leader,
    pause_the_leader,
    swallow_what_the_leader_is_sent,
    half_close_some_ways,
    fill_a_followers_disk,
)


def run(it: Arena, faults: tuple[Fault, ...]) -> str:
    """Runs one round of each fault, and returns a summary."""
    for fault in faults:
        try:
            with it.load():
                fault(it)
            it.check()
        except BaseException as error:
            error.add_note(f"{fault.__name__}, seed {it.seed}\n{it.members.said(4000)}")
            raise
    it.check_end()
    count = it.acknowledged() + sum(len(each.numbers) + len(each.pairs) for each in it.holders)
    return (
        f"{len(it.sids)} members, {len(faults)} faults: {count} creates acknowledged, none lost or done twice"
    )


def test_a_few_faults_lose_nothing(tmp_path: Path, proved: Callable[[str], None]) -> None:
    with arena(tmp_path, 3, seed=1) as it:
        proved(run(it, FEW))


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(40))
def test_many_faults_lose_nothing(seed: int, tmp_path: Path, proved: Callable[[str], None]) -> None:
    """Ten faults in random order on each of forty ensembles: of three, of three and an observer, of five."""
    chance = random.Random(seed)
    count, observers = ((3, ()), (4, (1,)), (5, ()))[seed % 3]
    with arena(tmp_path, count, seed, observers) as it:
        proved(run(it, tuple(chance.choice(FAULTS) for _ in range(10))))


@pytest.mark.deep
def test_each_fault_loses_nothing(tmp_path: Path, proved: Callable[[str], None]) -> None:
    with arena(tmp_path, 3, seed=0) as it:
        proved(run(it, FAULTS))
