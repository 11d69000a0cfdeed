"""Trace files: a run written down, read back, compared and run again."""
