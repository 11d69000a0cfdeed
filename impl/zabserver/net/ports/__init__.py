"""Listening sockets for clients, elections and quorum packets, and TLS for each of them."""
