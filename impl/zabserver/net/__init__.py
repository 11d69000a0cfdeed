"""The shell: the only code that waits, reads a clock, or touches a file or a socket. It decides nothing."""
