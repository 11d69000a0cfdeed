"""Trace files: a run written to a file, read back, compared, and run again."""
