"""A lock with a lease, and storage that its holders write to, with or without fencing tokens.

Follows Kleppmann, "How to do distributed locking" (2016). A client that holds the lock may pause at any time,
for any time: it goes on to believe that it holds the lock when its lease has long expired. Here a pause is
nothing but steps of others. Each lease comes with a fencing token, a number that grows. The storage refuses a
write whose token is less than one that it has seen; without this, it accepts a stale write.

    zab check docs/examples/lock_with_lease.py
    zab check docs/examples/lock_with_lease.py --set fenced=false
    zab liveness docs/examples/lock_with_lease.py --set expires=false
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps

from zabcheck.explorer import Model, assume, model_of
from zabspec.parts import Row, Sid, replace

# The state.


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the lock and the storage; 0 stands for no token."""

    token: int = 0  # of the lease that the client believes it has
    writing: int = 0  # the token of its write that is on its way to the storage


@dataclass(frozen=True, slots=True)
class State:
    """The clients are the processes of the model; there is one lock service and one storage."""

    clients: Row[Client]
    holder: Sid | None  # the client whose lease the lock service has not seen expire
    last_token: int  # the token of the latest lease
    written: int  # the token of the last write that the storage accepted


# The actions.


def client_acquires_lock(state: State, client: Sid) -> State | None:
    """The lock service gives a free lock to a client, with the next token."""
    if state.holder is not None or state.clients[client].token:
        return None
    token = state.last_token + 1
    clients = state.clients.put(client, replace(state.clients[client], token=token))
    return replace(state, clients=clients, holder=client, last_token=token)


def lease_expires(state: State) -> State | None:
    """The lock service takes the lock back; its holder is paused, and does not notice."""
    return None if state.holder is None else replace(state, holder=None)


def client_sends_write(state: State, client: Sid) -> State | None:
    """A client that believes it holds the lock sends a write, with its token."""
    this = state.clients[client]
    if not this.token or this.writing:
        return None
    return replace(state, clients=state.clients.put(client, replace(this, writing=this.token)))


def storage_accepts_write(state: State, client: Sid) -> State | None:
    """A write arrives, and its token is not less than one that the storage has seen."""
    this = state.clients[client]
    if not this.writing or this.writing < state.written:
        return None
    return replace(state, clients=state.clients.put(client, replace(this, writing=0)), written=this.writing)


def storage_refuses_write(state: State, client: Sid) -> State | None:
    """A write arrives with an old token: the storage refuses it, and the client gives up."""
    this = state.clients[client]
    if not this.writing or this.writing >= state.written:
        return None
    return replace(state, clients=state.clients.put(client, Client()))


def storage_accepts_any_write(state: State, client: Sid) -> State | None:
    """A write arrives, and the storage does not look at its token."""
    this = state.clients[client]
    if not this.writing:
        return None
    return replace(state, clients=state.clients.put(client, replace(this, writing=0)), written=this.writing)


def client_releases_lock(state: State, client: Sid) -> State | None:
    """A client whose writes are done gives the lock back, if its lease is not over anyway."""
    this = state.clients[client]
    if not this.token or this.writing:
        return None
    holder = None if state.holder == client else state.holder
    return replace(state, clients=state.clients.put(client, Client()), holder=holder)


# The properties.


def no_write_is_stale(before: State, after: State) -> bool:
    """The storage accepts no write with a token less than that of a write which it has accepted."""
    return after.written >= before.written


def holder_has_latest_token(state: State, client: Sid) -> bool:
    """The client that holds the lock has the latest token."""
    return state.holder != client or state.clients[client].token == state.last_token


def two_believe_they_hold_lock(state: State, one: Sid, other: Sid) -> bool:
    """Two clients believe at the same time that they hold the lock."""
    return bool(state.clients[one].token and state.clients[other].token)


def write_is_late(state: State, client: Sid) -> bool:
    """A write with an old token is on its way."""
    return 0 < state.clients[client].writing < state.written


def lock_becomes_free(state: State) -> bool:
    """The lock becomes free in the end, whatever its holder does."""
    return state.holder is None


# The model.


def model(clients: int = 3, leases: int = 3, fenced: bool = True, expires: bool = True) -> Model:
    """Returns the model.

    Args:
        clients: how many clients there are.
        leases: how often the lock is given to a client at most.
        fenced: True if the storage refuses writes with old tokens.
        expires: True if leases expire.
    """

    @wraps(client_acquires_lock)
    def acquires(state: State, client: Sid) -> State | None:
        return None if state.last_token == leases else client_acquires_lock(state, client)

    storage = [storage_accepts_write, storage_refuses_write] if fenced else [storage_accepts_any_write]
    return model_of(
        "lock with lease",
        State(Row([Client()] * clients), None, 0, 0),
        [acquires, *([lease_expires] if expires else []), client_sends_write, *storage, client_releases_lock],
        processes=clients,
        always=[holder_has_latest_token],
        every_step=[no_write_is_stale],
        sometimes=[two_believe_they_hold_lock, write_is_late],
        eventually=[lock_becomes_free],
        fairness=assume(weak=[lease_expires] if expires else []),
        symmetry=True,
        who="client",
    )
