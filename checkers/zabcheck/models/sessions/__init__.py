"""Sessions: every run of a few milliseconds of `zabspec.sessions`, and mutants of that spec."""
