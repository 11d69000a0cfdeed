"""Where the spec meets servers: the same requests put to both, and everything compared that clients see.

oracle      one server and its clients, by the spec
compare     a running server beside the oracle, one operation after the other
operations  random operations, for Hypothesis
"""
