"""The shell: the only code that waits, reads a clock, or touches a file or a socket. It makes no protocol
decisions.

shell          the event loop around the cores: a server that stands alone, a member of an ensemble
ports          sockets: clients, election, quorum, TLS
disk           data directories: logs, snapshots, epochs, recovery
configuration  zoo.cfg and the files of dynamic configuration
words          four-letter words and metrics
commands       `zab serve`, `zab ensemble`, `zab log`, `zab snapshot`
lines          format of the server's log lines
"""
