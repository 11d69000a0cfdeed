"""Sockets: the ports for clients, for elections and for quorum packets, and TLS for each of them."""
