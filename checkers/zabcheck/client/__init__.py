"""A client of any server that speaks ZooKeeper's protocol, for judging it by the spec.

    encoding    requests of the spec to bytes, replies and events back
    session     a connection that waits for each answer, and keeps what was told in the order of arrival

It is written from the description of the protocol and shares nothing with the server here: a mistake in one
shows in the other.
"""
