"""The shell: the only code that waits, reads a clock, or touches a file or a socket. It decides nothing.

shell          the loop around the cores: a server that stands alone, a member of an ensemble
ports          sockets: clients, election, quorum, TLS
disk           data directories: logs, snapshots, epochs, recovery
configuration  zoo.cfg and the files of dynamic configuration
words          what an operator asks for: four-letter words and metrics
commands       `zab serve`, `zab ensemble`, `zab log`, `zab snapshot`
lines          how a line of the server's log is written
"""
