"""Watches: every case in a small name space, judged by `zabspec.watches`, and mutants of that spec."""
