"""Real servers, ours and Apache's: clients, processes, and comparison with the spec.

encoding    requests of the spec to bytes, replies and events back
session     a client connection that waits for each answer and keeps what arrives in order
members     server processes that are started, stopped, killed and paused
clients     writers and watchers, and whether what they were told is so
session_holders  clients that keep their sessions, and nodes that live and die with those
reconfigured     ensembles whose members are reconfigured
proxy       the network between members, which cuts, delays and swallows
oracle      one server and its clients, by the spec
compare     a running server beside the oracle, one operation after the other
operations  random operations, for Hypothesis

The client is written from the description of the protocol and shares nothing with the server here: a mistake
in one shows in the other.
"""
